"""Energy of the wavelet sub-bands of images."""

import numpy as np
import torch

from mmfncontra.models.wavelets import (
    ORIENTATIONS,
    check_levels,
    decompose,
    filter_bank,
    pad_to_multiple,
)
from mmfncontra.utils.checks import check_images

from .image_arrays import ROUNDING_POWER, check_same_size, iterate_chunks

_MOST_LEVELS = 5  # what the frequency negatives decompose into


def subband_energies(
    images: np.ndarray, wavelet: str = 'haar', levels: int | None = None
) -> dict[str, float]:
    r"""Mean energy of a wavelet coefficient in each sub-band.

    .. math::
        E_b = \operatorname{mean}\, c_b^2, \qquad c = \operatorname{DWT}(x - 127.5),

    over images, channels and positions. With an orthogonal wavelet the transform keeps energies:
    the mean square of the images is the mean of the :math:`E_b` weighted by the sizes of the
    sub-bands, and white noise of variance σ² has :math:`E_b = σ^2` in each.

    Args:
        images: uint8 RGB, (N, H, W, 3). Sides that no ``2**levels`` divides are continued in a
            mirror.
        wavelet: Name of an orthogonal or biorthogonal discrete wavelet.
        levels: Number n of decompositions; None takes five, or as many as fit.

    Returns:
        Energy in squared grey levels by sub-band, coarsest first: ``LL_n``, ``LH_n``, ``HL_n``,
        ``HH_n``, …, ``HH_1``; LH holds vertical edges, HL horizontal ones.

    Raises:
        ValueError: If ``images`` is no array of images, the wavelet is unknown, or the levels do
            not fit.

    Example:
        >>> energies = subband_energies(np.full((1, 8, 8, 3), 255, np.uint8), levels=1)
        >>> {name: round(energy) for name, energy in energies.items()}
        {'LL_1': 65025, 'LH_1': 0, 'HL_1': 0, 'HH_1': 0}
    """
    check_images(images)
    height, width = images.shape[1:3]
    if levels is None:
        levels = max(1, min(_MOST_LEVELS, min(height, width).bit_length() - 1))
    check_levels(levels, height, width)
    bank = filter_bank(wavelet)

    sums = np.zeros(1 + 3 * levels)
    counts = np.zeros_like(sums)
    for chunk in iterate_chunks(images):
        x = torch.from_numpy(chunk.transpose(0, 3, 1, 2) - np.float32(127.5))
        ll, details = decompose(pad_to_multiple(x, 2**levels), bank, levels)
        bands = [ll, *(band for detail in details for band in detail.unbind(-3))]
        sums += [band.square().sum(dtype=torch.float64).item() for band in bands]
        counts += [band.numel() for band in bands]
    names = [f'{name}_{level}' for level in range(levels, 0, -1) for name in ORIENTATIONS]
    return dict(zip([f'LL_{levels}', *names], (sums / counts).tolist(), strict=True))


def subband_ratios(
    real: np.ndarray, fake: np.ndarray, wavelet: str = 'haar', levels: int | None = None
) -> dict[str, float]:
    r"""Energy of generated images against that of real ones, in each wavelet sub-band.

    .. math::
        10 \log_{10} \frac{E_b(fake) + 1/12}{E_b(real) + 1/12}

    with the energies of :func:`subband_energies`. 1/12 is the energy of rounding to 8 bits: in a
    sub-band that is empty but for it, there is nothing to compare.

    Args:
        real: uint8 RGB, (N, H, W, 3).
        fake: uint8 RGB, (M, H, W, 3).
        wavelet: See :func:`subband_energies`.
        levels: See :func:`subband_energies`.

    Returns:
        Ratio in dB by sub-band, coarsest first: 0 as much as in real images, 3 twice, -3 half.

    Raises:
        ValueError: See :func:`subband_energies`; also if the sizes differ.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
        >>> subband_ratios(images, images, levels=1)
        {'LL_1': 0.0, 'LH_1': 0.0, 'HL_1': 0.0, 'HH_1': 0.0}
    """
    check_same_size(real=real, fake=fake)
    of_real = subband_energies(real, wavelet, levels)
    of_fake = subband_energies(fake, wavelet, levels)
    return {
        name: float(10 * np.log10((of_fake[name] + ROUNDING_POWER) / (energy + ROUNDING_POWER)))
        for name, energy in of_real.items()
    }
