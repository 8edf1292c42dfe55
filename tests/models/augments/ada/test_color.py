import math

import pytest
import torch

from mmfncontra.models.augments import ADA
from mmfncontra.models.augments.ada.color import color_matrix, recolor
from mmfncontra.models.augments.ada.draw import Draw


def matrices(p, n=20000):
    return color_matrix(Draw(torch.zeros(n, 1, dtype=torch.float64), torch.tensor(p)))


def parts(matrix):
    """Signed contrast along the grey axis, brightness, hue and saturation."""
    linear, shift = matrix[:, :, :3], matrix[:, :, 3]
    grey = linear.sum(2)
    torch.testing.assert_close(grey, grey[:, :1].expand(-1, 3))  # grey stays grey
    contrast = grey[:, 0]
    torch.testing.assert_close(shift, shift[:, :1].expand(-1, 3))
    u = torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64) / math.sqrt(2)
    v = torch.tensor([1.0, 1.0, -2.0], dtype=torch.float64) / math.sqrt(6)
    cos, sin = ((linear @ u) @ axis for axis in (u, v))
    chroma = torch.hypot(cos, sin)
    return contrast, shift[:, 0] / contrast, torch.atan2(sin, cos), chroma / contrast.abs()


def test_parameters_have_the_published_distributions():
    contrast, brightness, hue, saturation = parts(matrices(1.0))
    assert brightness.mean().item() == pytest.approx(0, abs=0.005)
    assert brightness.std().item() == pytest.approx(0.2, rel=0.03)
    assert contrast.abs().log().mean().item() == pytest.approx(0, abs=0.01)
    assert contrast.abs().log().std().item() == pytest.approx(0.5 * math.log(2), rel=0.03)
    assert (contrast < 0).double().mean().item() == pytest.approx(0.5, abs=0.015)
    assert saturation.log().mean().item() == pytest.approx(0, abs=0.02)
    assert saturation.log().std().item() == pytest.approx(math.log(2), rel=0.03)
    counts = torch.histc(hue, 12, -math.pi, math.pi) / len(hue)
    assert ((counts - 1 / 12).abs() < 0.012).all()


def test_probabilities():
    p = 0.3
    contrast, brightness, hue, saturation = parts(matrices(p))
    for changed, expected in (
        (brightness.abs() > 1e-9, p),
        ((contrast.abs() - 1).abs() > 1e-9, p),
        (contrast < 0, p / 2),
        (hue.abs() > 1e-9, p),
        ((saturation - 1).abs() > 1e-9, p),
    ):
        assert changed.double().mean().item() == pytest.approx(expected, abs=0.015)


def test_hue_turns_about_the_grey_axis_and_keeps_lengths():
    class Hue(Draw):
        def applied(self, value, neutral, p=None):
            self.calls = getattr(self, 'calls', 0) + 1
            value = super().applied(value, neutral, p)
            return value if self.calls == 4 else torch.full_like(value, neutral)

    matrix = color_matrix(Hue(torch.zeros(50, 1, dtype=torch.float64), torch.tensor(1.0)))
    rotation = matrix[:, :, :3]
    identity = torch.eye(3, dtype=torch.float64).expand(50, 3, 3)
    torch.testing.assert_close(rotation @ rotation.mT, identity)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(50, dtype=torch.float64))
    assert matrix[:, :, 3].abs().max() == 0


def test_recolor_is_the_matrix_at_every_pixel():
    images, matrix = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4)
    out = recolor(images, matrix)
    for b in range(2):
        for y in range(4):
            for x in range(5):
                pixel = torch.cat([images[b, :, y, x], torch.ones(1)])
                torch.testing.assert_close(out[b, :, y, x], matrix[b] @ pixel)


def test_colours_know_nothing_of_places():
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    order = torch.randperm(64)
    ada = ADA('color', initial=1.0, maximum=1.0)
    torch.manual_seed(1)
    out = ada(images)
    torch.manual_seed(1)
    shuffled = ada(images.flatten(2)[:, :, order].view_as(images))
    assert torch.equal(shuffled.flatten(2), out.flatten(2)[:, :, order])
    assert ((out - images).abs().amax((1, 2, 3)) > 0.01).all()
