import pytest
import torch

from mmfncontra.models.augments import DiffAugment
from mmfncontra.models.augments.diff_augment import (
    random_color,
    random_cutout,
    random_translation,
)


def images(batch=4, size=16):
    return torch.rand(batch, 3, size, size, dtype=torch.float64) * 2 - 1


def test_translation_equals_a_plain_shift():
    x = images(batch=64)
    moved = random_translation(x)
    found = set()
    for before, after in zip(x, moved, strict=True):
        shifts = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if torch.equal(after, shifted(before, dy, dx))
        ]
        assert len(shifts) == 1
        found.add(shifts[0])
    assert len(found) > 10


def shifted(image, dy, dx):
    out = torch.zeros_like(image)
    height, width = image.shape[1:]
    for y in range(height):
        for x in range(width):
            if 0 <= y - dy < height and 0 <= x - dx < width:
                out[:, y, x] = image[:, y - dy, x - dx]
    return out


def test_color_is_affine_with_the_published_ranges():
    x = images(batch=2000, size=4)
    y = random_color(x)
    brightness = y.mean(dim=(1, 2, 3)) - x.mean(dim=(1, 2, 3))
    assert brightness.abs().max() <= 0.5 and brightness.std() == pytest.approx(1 / 12**0.5, 0.05)
    grey_x, grey_y = x.mean(1), y.mean(1)
    centred = [g - g.mean(dim=(1, 2), keepdim=True) for g in (grey_x, grey_y)]
    contrast = (centred[1] / centred[0]).flatten(1)
    assert contrast.std(dim=1).max() < 1e-6  # one factor per image
    assert contrast.min() >= 0.5 and contrast.max() <= 1.5
    assert contrast.mean().item() == pytest.approx(1, abs=0.03)
    chroma = ((y - grey_y[:, None]) / (x - grey_x[:, None])).flatten(1).median(dim=1).values
    saturation = chroma / contrast[:, 0]
    assert saturation.min() >= 0 and saturation.max() <= 2
    assert saturation.mean().item() == pytest.approx(1, abs=0.05)


def test_cutout_blanks_a_square():
    x = torch.ones(500, 1, 16, 16)
    gone = random_cutout(x) == 0
    rows, columns = gone.any(3).squeeze(1), gone.any(2).squeeze(1)
    assert torch.equal(gone.squeeze(1), rows[:, :, None] & columns[:, None, :])
    assert rows.sum(1).max() == 8 and rows.sum(1).min() == 4
    assert rows.float().mean(0).min() > 0.2  # every row is hit


def test_gradient_passes_through():
    x = images(batch=2, size=8).requires_grad_()

    def augment(x):
        torch.manual_seed(5)
        return DiffAugment('color,translation,cutout')(x)

    torch.autograd.gradcheck(augment, (x,))


def test_policy():
    x = images()
    assert DiffAugment(['color']).policy == ('color',)
    assert DiffAugment('color, cutout')(x).shape == x.shape
    with pytest.raises(ValueError, match=r"policy must be made of .* got 'blur'"):
        DiffAugment('blur')
