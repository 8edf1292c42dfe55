import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from mmfncontra.models.augments import ADA
from mmfncontra.models.augments.ada.draw import Draw
from mmfncontra.models.augments.ada.filtering import BandFilter, octave_bands

POWER = torch.tensor([10.0, 1, 1, 1], dtype=torch.float64) / 13


def gains(p, n=20000):
    return BandFilter().gains(Draw(torch.zeros(n, 1, dtype=torch.float64), torch.tensor(p)))


def test_bands_are_octaves_without_phase_that_add_up_to_one():
    bands = octave_bands()
    delta = np.zeros(bands.shape[1])
    delta[len(delta) // 2] = 1
    np.testing.assert_allclose(bands.sum(0), delta, atol=1e-12)
    np.testing.assert_allclose(bands, bands[:, ::-1], atol=1e-12)
    response = np.abs(np.fft.rfft(bands, 1024))  # 513 bins up to π
    edges = [0, 64, 128, 256, 513]
    for band, (low, high) in enumerate(pairwise(edges)):
        # Each band holds most of the amplitude between its edges.
        shares = response[:, low:high].mean(1)
        assert shares.argmax() == band and shares[band] > 0.6


def test_gains_have_the_published_distribution():
    log = gains(1.0).log()
    # The norm is common to all bands: differences are those of the logarithms drawn.
    for i, j in ((0, 1), (1, 2), (2, 3)):
        difference = log[:, i] - log[:, j]
        assert difference.mean().item() == pytest.approx(0, abs=0.03)
        assert difference.std().item() == pytest.approx(math.sqrt(2) * math.log(2), rel=0.03)
    apart = torch.stack([log[:, 0] - log[:, 1], log[:, 2] - log[:, 3]])
    assert abs(torch.corrcoef(apart)[0, 1]) < 0.03


def test_a_single_gain_keeps_the_power_of_a_natural_image():
    p = 0.2
    drawn = gains(p)
    untouched = (drawn == 1).all(1)
    assert untouched.double().mean().item() == pytest.approx((1 - p) ** 4, abs=0.015)
    # Three gains are equal where one band was drawn.
    ordered = drawn.sort(1).values
    single = ~untouched & (
        (ordered[:, 0] - ordered[:, 2]).abs().minimum((ordered[:, 1] - ordered[:, 3]).abs()) < 1e-12
    )
    assert single.double().mean().item() == pytest.approx(4 * p * (1 - p) ** 3, abs=0.015)
    power = (POWER * drawn[single].square()).sum(1)
    torch.testing.assert_close(power, torch.ones_like(power))


@pytest.mark.parametrize('size', [16, 48])
def test_filtering_equals_a_plain_loop(size):
    images = torch.randn(2, 3, size, size, dtype=torch.float64)
    gain = torch.tensor([[1.5, 0.5, 2.0, 0.1], [1.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
    out = BandFilter()(images, gain)
    assert torch.equal(out[1], images[1])
    taps = gain[0].numpy() @ octave_bands()
    margin = len(taps) // 2
    for channel in range(3):
        image = images[0, channel].numpy()
        for axis in (0, 1):
            pads = [(margin, margin) if a == axis else (0, 0) for a in (0, 1)]
            padded = np.pad(image, pads, mode='reflect')
            image = sum(
                tap * np.take(padded, range(i, i + size), axis) for i, tap in enumerate(taps)
            )
        np.testing.assert_allclose(out[0, channel].numpy(), image, atol=1e-6)


def test_a_flat_image_stays_flat():
    images = torch.linspace(-1, 1, 8)[:, None, None, None].expand(8, 3, 24, 24)
    out = ADA('filter', initial=1.0, maximum=1.0)(images)
    # What is left of a constant is a constant: the gain of the lowest band, twice.
    assert (out - out[..., :1, :1]).abs().max() < 1e-5
    assert (out - images).abs().amax() > 0.05
