"""Radial power spectra: how much there is of each spatial frequency, whatever its direction."""

import numpy as np

from mmfncontra.utils.checks import check_images

from .image_arrays import ROUNDING_POWER, check_same_size, iterate_chunks

# Luma of ITU-R BT.601, the grey that JPEG and Pillow take.
_LUMA = np.array([0.299, 0.587, 0.114])


def radial_power_spectrum(images: np.ndarray) -> np.ndarray:
    r"""Mean radial power spectrum of the luminance, in decibels.

    Per image, with the luminance y in grey levels and the periodic Hann window w,

    .. math::
        S(r) = 10 \log_{10}\Bigl(\tfrac{1}{12} + \operatorname*{mean}_{|k| \approx r}
            \frac{|F[w y](k)|^2}{\sum w^2}\Bigr),

    and the result is the mean of S over the images, so that each counts the same, of high contrast
    or low. White noise of variance σ² has the same power σ² everywhere.

    The window is there because the opposite edges of a picture do not fit together: without it
    the jump between them spreads over all frequencies along the axes and hides the weak high ones,
    which is where generators differ. Of brightness it lets through no more than r = 0 and 1. The
    constant is the power of rounding to 8 bits, which keeps the logarithm of a flat image finite.

    Frequencies end at Nyquist along the axes. The corners beyond, where a checkerboard lies, belong
    to no full circle; :func:`subband_energies` shows them as HH_1.

    Source: Durall et al., CVPR 2020, arXiv 2003.01826, eq. 2 (azimuthal integration), without the
    window.

    Args:
        images: uint8 RGB, (N, H, W, 3), with sides of 2 pixels or more.

    Returns:
        (R,), float64, dB relative to one squared grey level. R = ⌊min(H, W)/2⌋ + 1; element r
        belongs to r / min(H, W) cycles per pixel, from 0 to Nyquist.

    Raises:
        ValueError: If ``images`` is no array of images, or they are smaller than 2 pixels.

    Example:
        >>> noise = np.random.default_rng(0).normal(128, 10, (8, 64, 64, 1)).round()
        >>> spectrum = radial_power_spectrum(noise.astype(np.uint8).repeat(3, -1))
        >>> spectrum.shape, int(spectrum[2:].mean().round())
        ((33,), 20)
    """
    check_images(images)
    height, width = images.shape[1:3]
    side = min(height, width)
    if side < 2:
        raise ValueError(f'images must have sides of 2 pixels or more, got {height}x{width}')
    window = np.outer(_hann(height), _hann(width))
    scale = 1 / np.square(window).sum()

    # Half of the plane is enough for real signals; its inner columns stand for two each.
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    radius = np.rint(frequencies * side).astype(int).ravel()
    twice = np.full(width // 2 + 1, 2.0)
    twice[0] = 1
    if width % 2 == 0:
        twice[-1] = 1
    count = side // 2 + 1
    area = np.bincount(radius, np.tile(twice, height))[:count]

    total = np.zeros(count)
    for chunk in iterate_chunks(images):
        transformed = np.fft.rfft2((chunk @ _LUMA) * window)
        power = (transformed.real**2 + transformed.imag**2) * (twice * scale)
        for one in power:
            mean = np.bincount(radius, one.ravel())[:count] / area
            total += 10 * np.log10(mean + ROUNDING_POWER)
    return total / len(images)


def spectrum_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Root mean square difference of two mean radial power spectra over the frequencies.

    Args:
        real: uint8 RGB, (N, H, W, 3).
        fake: uint8 RGB, (M, H, W, 3).

    Returns:
        Distance in dB: 0 for equal spectra, 1 where the powers differ by a quarter.

    Raises:
        ValueError: See :func:`radial_power_spectrum`; also if the sizes differ.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
        >>> spectrum_distance(images, images)
        0.0
    """
    check_same_size(real=real, fake=fake)
    difference = radial_power_spectrum(fake) - radial_power_spectrum(real)
    return float(np.sqrt(np.square(difference).mean()))


def _hann(size: int) -> np.ndarray:
    """Periodic Hann window, whose spectrum is three bins wide."""
    return np.square(np.sin(np.pi * np.arange(size) / size))
