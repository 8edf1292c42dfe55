import math
from collections import Counter

import numpy as np
import pytest
import torch

from mmfncontra.models.augments import ADA
from mmfncontra.models.augments.ada.draw import Draw
from mmfncontra.models.augments.ada.geometry import blit_inverse, changes, geometric_inverse
from mmfncontra.models.augments.ada.resampling import (
    Resampler,
    blit,
    fold,
    inverse_map,
    reflect_pad,
)

SIZE = 16
SCALE = 0.2 * math.log(2)


def draws(batch, p):
    return Draw(torch.zeros(batch, 1, dtype=torch.float64), torch.tensor(p))


def blits(image, reach=2):
    """Every blit of an image by what it makes of it: (mirrored, quarter turns, dy, dx)."""
    padded, size, found = np.pad(image, reach, mode='reflect'), len(image), {}
    for mirrored in (False, True):
        for turns in range(4):
            turned = np.rot90(padded[:, ::-1] if mirrored else padded, turns)
            for dy in range(2 * reach + 1):
                for dx in range(2 * reach + 1):
                    key = turned[dy : dy + size, dx : dx + size].tobytes()
                    found[key] = (mirrored, turns, reach - dy, reach - dx)
    assert len(found) == 8 * (2 * reach + 1) ** 2
    return found


def recognised(p, batch=4000):
    image = torch.rand(SIZE, SIZE)
    out = blit(
        image.expand(batch, 1, -1, -1), blit_inverse(Draw(image[:1].expand(batch, -1), p), SIZE)
    )
    table = blits(image.numpy())
    return [table[x.tobytes()] for x in out.squeeze(1).numpy()]  # KeyError: no blit at all


def test_blits_are_exact_and_have_the_published_frequencies():
    found = recognised(torch.tensor(1.0))
    orientations = Counter(f[:2] for f in found)
    assert len(orientations) == 8
    assert all(abs(n / len(found) - 1 / 8) < 0.025 for n in orientations.values())
    # round(U(-2, 2)) is ±2 half as often as the rest.
    for axis in (2, 3):
        shifts = Counter(f[axis] for f in found)
        for shift, expected in {-2: 1 / 8, -1: 1 / 4, 0: 1 / 4, 1: 1 / 4, 2: 1 / 8}.items():
            assert shifts[shift] / len(found) == pytest.approx(expected, abs=0.03)


def test_the_original_orientation_stays_the_most_frequent_below_the_maximum():
    # What keeps a generator from learning the augmentation.
    p = 0.8
    found = recognised(torch.tensor(p))
    orientations = Counter(f[:2] for f in found)
    assert orientations.most_common(1)[0][0] == (False, 0)
    for (mirrored, turns), n in orientations.items():
        flip = p / 2 if mirrored else 1 - p / 2
        turn = p / 4 if turns else 1 - 3 * p / 4
        assert n / len(found) == pytest.approx(flip * turn, abs=0.03)


def test_geometric_parameters_have_the_published_distributions():
    n = 20000
    inverse = geometric_inverse(draws(n, 1.0), SIZE)
    linear = inverse[:, :2, :2]
    scale = -0.5 * torch.linalg.det(linear).log()
    assert scale.mean().item() == pytest.approx(0, abs=0.005)
    assert scale.std().item() == pytest.approx(SCALE, rel=0.03)

    singular = torch.linalg.svdvals(linear * scale.exp()[:, None, None])
    torch.testing.assert_close(singular.prod(1), torch.ones(n, dtype=torch.float64))
    stretch = singular[:, 0].log()  # |ln t|
    assert stretch.mean().item() == pytest.approx(SCALE * math.sqrt(2 / math.pi), rel=0.03)
    assert stretch.square().mean().sqrt().item() == pytest.approx(SCALE, rel=0.03)

    # The rotation of the polar decomposition, and the axes of stretching on either side.
    turn = torch.atan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1])
    uniform(turn, 2 * math.pi)
    for gram in (linear @ linear.mT, linear.mT @ linear):
        uniform(torch.atan2(2 * gram[:, 0, 1], gram[:, 0, 0] - gram[:, 1, 1]), 2 * math.pi)

    shift = -torch.linalg.solve(linear, inverse[:, :2, 2]) / SIZE
    assert shift.mean(0).abs().max() < 0.005
    assert shift.std(0).tolist() == pytest.approx([0.125, 0.125], rel=0.03)
    assert abs(torch.corrcoef(shift.T)[0, 1]) < 0.03


def uniform(values, period):
    counts = torch.histc(torch.remainder(values, period), 12, 0, period)
    assert ((counts / len(values) - 1 / 12).abs() < 0.012).all()


def test_probabilities():
    n, p = 20000, 0.4
    inverse = geometric_inverse(draws(n, p), SIZE)
    # Two scalings, two rotations that count as one, a translation.
    assert (~changes(inverse)).double().mean().item() == pytest.approx((1 - p) ** 4, abs=0.01)
    linear = inverse[:, :2, :2]
    turned = (linear[:, 1, 0] != 0) | (linear[:, 0, 1] != 0)
    assert turned.double().mean().item() == pytest.approx(p, abs=0.01)
    assert (inverse[:, 0, 2] != 0).double().mean().item() == pytest.approx(p, abs=0.01)
    assert (torch.linalg.det(linear).sub(1).abs() > 1e-9).double().mean().item() == pytest.approx(
        p, abs=0.01
    )


def test_reflection_equals_numpy():
    x = torch.rand(1, 1, 5, 5)
    for margin in (2, 4, 11):
        theirs = np.pad(x[0, 0].numpy(), margin, mode='reflect')
        assert np.array_equal(reflect_pad(x, margin)[0, 0].numpy(), theirs)
    assert fold(torch.tensor([-2.5, 2.0, 3.0, 6.5]), 2.0).tolist() == [-1.5, 2.0, 1.0, -1.5]


def waves(x, y, reach):
    """A smooth picture that goes on by mirroring at the border pixels for ever."""
    x, y = (math.pi * (v + reach) / (2 * reach) for v in (x, y))
    pictures = [(2 * x).cos() * y.cos(), x.cos() + 0.3 * (3 * y).cos(), (x.cos() + y.cos()) / 2]
    return torch.stack(pictures, dim=-3)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_blits_and_geometric_transforms_are_executed_once_and_right_everywhere(dtype):
    batch, size = 40, 32
    reach = (size - 1) / 2
    positions = torch.arange(size, dtype=dtype) - reach
    images = waves(positions.expand(size, size), positions[:, None].expand(size, size), reach)
    images = images.expand(batch, -1, -1, -1)
    torch.manual_seed(3)
    out = ADA('bg', initial=1.0, maximum=1.0)(images)
    torch.manual_seed(3)
    draw = Draw(images, torch.tensor(1.0))
    inverse = blit_inverse(draw, size) @ geometric_inverse(draw, size)
    expected = waves(*inverse_map(inverse, positions), reach)
    assert out.dtype == dtype
    assert (out - expected).abs().max() < 0.02
    assert (out - images).abs().max() > 0.5


def test_resampling_without_a_change_gives_back_even_noise():
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    same = Resampler()(x, torch.eye(3, dtype=torch.float64).expand(2, 3, 3))
    torch.testing.assert_close(same[..., 6:-6, 6:-6], x[..., 6:-6, 6:-6], rtol=0, atol=1e-6)


def test_half_a_turn_does_not_shift():
    # The low-pass filter is not symmetric; its delay must not show.
    size = 33
    x = torch.zeros(1, 1, size, size, dtype=torch.float64)
    x[..., size // 2 - 4 : size // 2 + 5, size // 2 - 4 : size // 2 + 5] = 1
    turned = Resampler()(x, torch.diag(torch.tensor([-1.0, -1.0, 1.0])).double()[None])
    at = torch.arange(size, dtype=torch.float64)
    for axis in (2, 3):
        centre = (turned.sum(axis).flatten() * at).sum() / turned.sum()
        assert centre.item() == pytest.approx(size // 2, abs=1e-4)
