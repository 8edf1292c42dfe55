"""Image-space filtering of ADA: frequency bands amplified or weakened."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.models.wavelets import filter_bank

from .draw import Draw
from .resampling import reflect_pad


def octave_bands(wavelet: str = 'sym2', octaves: int = 3) -> np.ndarray:
    r"""Zero-phase filters that split a signal into octaves, and add up to the signal.

    With :math:`L(z) = H_0(z) H_0(z^{-1}) / 2` the half-band filter of an orthogonal wavelet and
    :math:`1 - L` its counterpart, the bands from high to low are
    :math:`1 - L(z),\; L(z)(1 - L(z^2)),\; L(z)L(z^2)(1 - L(z^4)), \dots`, and last the low-pass
    that remains.

    Args:
        wavelet: Name of an orthogonal wavelet of PyWavelets.
        octaves: Number of octaves split off.

    Returns:
        (octaves + 1, n) taps, low to high: the bands are [0, π/8], [π/8, π/4], [π/4, π/2] and
        [π/2, π] for three octaves; n is odd and the centre is the middle tap.
    """
    taps = np.asarray(filter_bank(wavelet).rec_lo)
    half_band = np.correlate(taps, taps, 'full') / 2
    bands, low = [], np.ones(1)
    for octave in range(octaves):
        stretched = np.zeros((len(half_band) - 1) * 2**octave + 1)
        stretched[:: 2**octave] = half_band
        lower = np.convolve(low, stretched)
        bands.append(_centred(low, len(lower)) - lower)
        low = lower
    return np.stack([_centred(band, len(low)) for band in (low, *reversed(bands))])


def _centred(taps: np.ndarray, length: int) -> np.ndarray:
    return np.pad(taps, (length - len(taps)) // 2)


class BandFilter(nn.Module):
    r"""Amplify four frequency bands of every image by random gains.

    Each band in turn, with probability p: its gain t is lognormal, and all gains are divided by
    :math:`\sqrt{\lambda_1 + \dots + \lambda_i t^2 + \dots}`, which keeps the power of an image
    with a natural spectrum :math:`\lambda = (10, 1, 1, 1)/13`.
    """

    POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)

    def __init__(self) -> None:
        super().__init__()
        bands = torch.from_numpy(octave_bands(octaves=len(self.POWER) - 1))
        self.register_buffer('bands', bands.float(), persistent=False)

    def gains(self, draw: Draw) -> Tensor:
        """Gains (B, 4) of the bands, low to high; exactly 1 where nothing was drawn."""
        total = None
        for band, power in enumerate(self.POWER):
            gain = draw.lognormal(math.log(2))
            norm = (1 - power + power * gain.square()).sqrt()
            gains = [(gain if i == band else 1) / norm for i in range(len(self.POWER))]
            gains = draw.applied(torch.stack(gains, dim=1), 1.0)
            total = gains if total is None else total * gains
        return total

    def forward(self, images: Tensor, gains: Tensor) -> Tensor:
        """Filtered images, mirrored beyond their borders.

        Args:
            images: (B, C, S, S).
            gains: (B, 4), low to high.

        Returns:
            (B, C, S, S); images whose gains are all 1 are the very same.
        """
        batch, channels = images.shape[:2]
        taps = (gains[:, :, None] * self.bands.to(images.dtype)).sum(dim=1)
        taps = taps.repeat_interleave(channels, dim=0)
        planes = reflect_pad(images, taps.size(1) // 2).flatten(0, 1)[None]
        planes = F.conv2d(planes, taps[:, None, :, None], groups=batch * channels)
        planes = F.conv2d(planes, taps[:, None, None, :], groups=batch * channels)
        changed = (gains != 1).any(dim=1)[:, None, None, None]
        return torch.where(changed, planes.view_as(images), images)
