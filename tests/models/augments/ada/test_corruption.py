import math

import pytest
import torch

from mmfncontra.models.augments.ada.corruption import add_noise, cut_out
from mmfncontra.models.augments.ada.draw import Draw


def test_noise_has_a_half_normal_strength():
    p, n = 0.5, 4000
    x = torch.zeros(n, 3, 16, 16)
    y = add_noise(x, Draw(x, torch.tensor(p)))
    sigma = y.flatten(1).std(1)
    drawn = sigma > 0
    assert drawn.float().mean().item() == pytest.approx(p, abs=0.03)
    sigma = sigma[drawn]
    assert sigma.mean().item() == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.05)
    assert sigma.square().mean().sqrt().item() == pytest.approx(0.1, rel=0.05)
    # White: neighbours and channels have nothing in common.
    white = y[drawn] / sigma[:, None, None, None]
    assert abs((white[..., 1:] * white[..., :-1]).mean()) < 0.01
    assert abs((white[:, 0] * white[:, 1]).mean()) < 0.01


def test_cutout_blanks_a_square_of_half_the_size():
    p, n, size = 0.5, 8000, 16
    x = torch.ones(n, 1, size, size)
    gone = cut_out(x, Draw(x, torch.tensor(p))).squeeze(1) == 0
    rows, columns = gone.any(2), gone.any(1)
    assert torch.equal(gone, rows[:, :, None] & columns[:, None, :])
    cut = rows.any(1)
    assert cut.float().mean().item() == pytest.approx(p, abs=0.02)
    for side in (rows[cut], columns[cut]):
        # In one piece, whole unless it hangs over the border, which is so for half of the centres.
        assert (side[:, 1:] != side[:, :-1]).sum(1).max() <= 2
        assert side.sum(1).max() == size // 2 and side.sum(1).min() >= size // 4
        assert (side.sum(1) == size // 2).float().mean().item() == pytest.approx(0.5, abs=0.1)
        # A pixel at position t is hit if the centre lies within 1/4 of it.
        t = (torch.arange(size) + 0.5) / size
        expected = (t + 0.25).clamp(max=1) - (t - 0.25).clamp(min=0)
        torch.testing.assert_close(side.float().mean(0), expected, rtol=0, atol=0.03)
