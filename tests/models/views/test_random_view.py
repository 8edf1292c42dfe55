import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmfncontra.models.views import RandomView


def test_flips_are_exact():
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(RandomView(['hflip'])(x), x.flip(3))
    assert torch.equal(RandomView(['vflip'])(x), x.flip(2))


def test_rotation_equals_opencv():
    size, most = 33, 30.0
    x = torch.from_numpy(cv2.GaussianBlur(np.random.default_rng(0).random((size, size)), (9, 9), 3))
    torch.manual_seed(1)
    ours = RandomView(['rotate'], max_angle=most)(x[None, None].float())[0, 0].numpy()
    torch.manual_seed(1)
    angle = (2 * torch.rand(()) - 1).item() * most
    centre = ((size - 1) / 2, (size - 1) / 2)
    errors = [
        np.abs(cv2.warpAffine(x.numpy(), matrix, (size, size))[8:-8, 8:-8] - ours[8:-8, 8:-8]).max()
        for matrix in (cv2.getRotationMatrix2D(centre, sign * angle, 1) for sign in (1, -1))
    ]
    assert min(errors) < 2e-3 and max(errors) > 1e-2


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_autocast_does_not_round_positions(dtype):
    """Positions in bfloat16 are off by up to two pixels at 1024 pixels a side."""
    view, images = RandomView(['rotate']), torch.rand(2, 3, 128, 128).to(dtype)
    torch.manual_seed(1)
    expected = view(images.float())
    torch.manual_seed(1)
    with torch.autocast('cpu', torch.bfloat16):
        found = view(images)
    assert found.dtype == dtype and torch.equal(found, expected.to(dtype))


def test_rotation_of_oblong_images_equals_torchs_affine_grid():
    images = torch.rand(2, 3, 12, 20, dtype=torch.float64)
    torch.manual_seed(1)
    found = RandomView(['rotate'])(images)
    torch.manual_seed(1)
    angle = (2 * torch.rand(()) - 1) * np.pi / 6
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack([cos, -sin, 0 * cos, sin, cos, 0 * cos]).view(1, 2, 3).double()
    grid = F.affine_grid(matrix.expand(2, 2, 3), [2, 3, 12, 20], align_corners=False)
    torch.testing.assert_close(found, F.grid_sample(images, grid, align_corners=False))


def test_one_draw_per_batch_uniform_over_kinds():
    x = torch.randn(1, 1, 8, 8).expand(3, 1, 8, 8)
    view = RandomView()
    counts = dict(hflip=0, vflip=0, rotate=0)
    for _ in range(300):
        y = view(x)
        assert torch.equal(y[0], y[1]) and torch.equal(y[0], y[2])
        kind = (
            'hflip'
            if torch.equal(y, x.flip(3))
            else 'vflip'
            if torch.equal(y, x.flip(2))
            else 'rotate'
        )
        counts[kind] += 1
    assert all(70 < n < 130 for n in counts.values())


def test_refuses():
    with pytest.raises(ValueError, match='kinds must be some of'):
        RandomView(['shear'])
    with pytest.raises(ValueError, match='kinds'):
        RandomView([])
    with pytest.raises(ValueError, match='max_angle'):
        RandomView(max_angle=0)
