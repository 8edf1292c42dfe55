"""The separable 2-D discrete wavelet transform, differentiable, on any device."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.precision import widen

from .filter_bank import FilterBank, filter_bank

ORIENTATIONS = ('LH', 'HL', 'HH')
"""Detail sub-bands, in the order in which they are stacked.

The first letter is the vertical filter, the second the horizontal one: LH = Lᵀ·H holds vertical
edges (PyWavelets' ``cV``), HL = Hᵀ·L horizontal ones (``cH``), HH = Hᵀ·H diagonal ones (``cD``).
"""


def check_levels(levels: int, height: int | None = None, width: int | None = None) -> None:
    """Refuse a number of levels that is no positive integer or does not fit the image.

    Args:
        levels: Number of decompositions.
        height: Height of the image in pixels; without a size only ``levels`` itself is checked.
        width: Width of the image in pixels.

    Raises:
        ValueError: If ``levels`` is not a positive integer, or a side is below ``2**levels``.
    """
    check_integers(levels=levels)
    if height is not None and width is not None and min(height, width) < 2**levels:
        fits = max(min(height, width), 1).bit_length() - 1
        advice = f'use levels<={fits}' if fits else 'no level fits'
        raise ValueError(
            f'levels={levels} needs images of at least {2**levels}x{2**levels} pixels, '
            f'got {height}x{width}: {advice}'
        )


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend the last two axes at their ends, mirrored, to the next multiple of ``multiple``.

    The mirror repeats the border pixel (NumPy's ``mode='symmetric'``) and the origin stays where
    it is, so that ``[..., :h, :w]`` crops back.

    Args:
        x: (..., h, w), both sides at least ``multiple``.
        multiple: Number that has to divide both sides of the result.

    Returns:
        (..., h', w'); ``x`` itself where nothing is to be added.
    """
    for dim in (-2, -1):
        if missing := -x.size(dim) % multiple:
            mirrored = x.narrow(dim, x.size(dim) - missing, missing).flip(dim)
            x = torch.cat((x, mirrored), dim)
    return x


def decompose(
    x: Tensor, wavelet: str | FilterBank = 'haar', levels: int = 1
) -> tuple[Tensor, list[Tensor]]:
    """Decompose images into one approximation and ``levels`` times three orientations of detail.

    The same numbers as ``pywt.wavedec2(x, wavelet, mode='periodization', level=levels)``: images
    continue periodically, and each level halves both sides exactly, however long the filters are.
    Differentiable any number of times. The sums are written out tap by tap instead of as a
    convolution: as fast for the usual short filters, and beyond the reach of TF32 and autocast,
    which would cost the digits that :func:`reconstruct` needs to give ``x`` back.

    Args:
        x: (..., h, w), floating point, both sides divisible by ``2**levels``. Half-precision input
            is computed in float32.
        wavelet: Name of an orthogonal or biorthogonal discrete wavelet, or its filter bank.
        levels: Number of decompositions; each one splits the approximation of the one before.

    Returns:
        ``ll`` of shape (..., h / 2^levels, w / 2^levels), and the details, **coarsest first** as
        in PyWavelets: element i belongs to level j = levels - i and has the shape
        (..., 3, h / 2^j, w / 2^j), stacked in the order of :data:`ORIENTATIONS`. All in the dtype
        of ``x``, with PyWavelets' signs and its orthonormal scale (``ll`` is 2^levels times the
        local mean).

    Raises:
        ValueError: If the wavelet is unknown or a side is not divisible by ``2**levels``.
        TypeError: If ``x`` is no floating-point tensor.

    Example:
        >>> import torch
        >>> ll, details = decompose(torch.rand(8, 3, 64, 64), 'db2', levels=2)
        >>> ll.shape, [tuple(d.shape[-3:]) for d in details]
        (torch.Size([8, 3, 16, 16]), [(3, 16, 16), (3, 32, 32)])
    """
    check_levels(levels)
    if x.ndim < 2:
        raise ValueError(f'x has the shape {tuple(x.shape)}, but must end in height and width')
    height, width = x.shape[-2:]
    if height % 2**levels or width % 2**levels or not (height and width):
        raise ValueError(
            f'x has {height}x{width} pixels, but levels={levels} needs sides divisible by '
            f'{2**levels}: pad it first, for example with pad_to_multiple(x, {2**levels})'
        )
    bank = _bank(wavelet)
    ll, details = widen(x), []
    for _ in range(levels):
        low, high = _analyse(ll, bank, -1)
        ll, hl = _analyse(low, bank, -2)
        lh, hh = _analyse(high, bank, -2)
        details.append(torch.stack((lh, hl, hh), -3).to(x.dtype))
    return ll.to(x.dtype), details[::-1]


def reconstruct(
    ll: Tensor, details: Sequence[Tensor], wavelet: str | FilterBank = 'haar'
) -> Tensor:
    """Put images together again: the inverse of :func:`decompose`.

    The same numbers as ``pywt.waverec2`` with ``mode='periodization'``.

    Args:
        ll: (..., h, w) approximation, floating point.
        details: Details coarsest first, element i of shape (..., 3, h·2^i, w·2^i) in the order of
            :data:`ORIENTATIONS`.
        wavelet: Name of the wavelet, or its filter bank.

    Returns:
        (..., h·2^J, w·2^J) for J details, in the dtype of ``ll``.

    Raises:
        ValueError: If the wavelet is unknown or a shape does not fit.
        TypeError: If ``ll`` or a detail is no floating-point tensor.
    """
    bank = _bank(wavelet)
    x = widen(ll)
    for level, detail in zip(range(len(details), 0, -1), details, strict=True):
        expected = (*x.shape[:-2], 3, *x.shape[-2:])
        if detail.shape != expected:
            raise ValueError(
                f'details of level {level} have the shape {tuple(detail.shape)}, but must have '
                f'{expected}: coarsest first, the orientations {ORIENTATIONS} third from the end'
            )
        lh, hl, hh = widen(detail).unbind(-3)
        low = _synthesise(x, hl, bank, -2)
        high = _synthesise(lh, hh, bank, -2)
        x = _synthesise(low, high, bank, -1)
    return x.to(ll.dtype)


def interleave(even: Tensor, odd: Tensor, dim: int) -> Tensor:
    """Merge two tensors along ``dim`` (-1 or -2): even first, then in turns."""
    if dim == -1:
        # torch.stack would copy value by value; a complex number is a vectorised pair.
        return torch.view_as_real(torch.complex(even, odd)).flatten(-2)
    return torch.stack((even, odd), dim).flatten(dim - 1, dim)


def _bank(wavelet: str | FilterBank) -> FilterBank:
    return wavelet if isinstance(wavelet, FilterBank) else filter_bank(wavelet)


def _analyse(x: Tensor, bank: FilterBank, dim: int) -> tuple[Tensor, Tensor]:
    """One level along one axis: y[k] = Σ_j f[j]·x[2k + F/2 - j], indices modulo the size."""
    size, taps = x.size(dim), bank.length
    wrapped = _wrap(x, dim, 1 - taps // 2, size + taps - 2)
    phases = wrapped.unflatten(dim, (-1, 2)).unbind(dim)
    # In the wrapped signal y[k] = Σ_i f[F-1-i]·x[2k + i], and i = 2t + p reads phase p at k + t.
    return tuple(
        _weighted_sum(
            (tap, phases[i % 2].narrow(dim, i // 2, size // 2))
            for i, tap in enumerate(reversed(band))
        )
        for band in (bank.dec_lo, bank.dec_hi)
    )


def _synthesise(low: Tensor, high: Tensor, bank: FilterBank, dim: int) -> Tensor:
    """Inverse of :func:`_analyse`: x[2k + i + 1 - F/2] += g[i]·y[k], indices modulo the size."""
    size, reach = low.size(dim), bank.length // 2 - 1
    bands = [
        (taps, _wrap(band, dim, -reach, size + reach))
        for taps, band in ((bank.rec_lo, low), (bank.rec_hi, high))
    ]
    phases = [
        _weighted_sum(
            (tap, band.narrow(dim, reach - t, size))
            for taps, band in bands
            for t, tap in enumerate(taps[phase::2])
        )
        for phase in (0, 1)
    ]
    x = interleave(*phases, dim)
    return x.roll(-reach, dim) if reach else x


def _wrap(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Read ``length`` values from index ``start`` on of the periodic continuation of ``x``."""
    if start == 0 and length == x.size(dim):
        return x
    return x.index_select(dim, torch.arange(start, start + length, device=x.device) % x.size(dim))


def _weighted_sum(terms: Iterable[tuple[float, Tensor]]) -> Tensor:
    total = None
    for weight, term in terms:
        if weight == 0:  # biorthogonal filters are padded with zeros to a common length
            continue
        total = term * weight if total is None else torch.add(total, term, alpha=weight)
    return total
