"""Two-channel filter banks of the discrete wavelets that PyWavelets knows."""

from functools import cache

import numpy as np
import pywt

from mmfncontra.config.near_names import did_you_mean


class FilterBank:
    """The four filters of an orthogonal or biorthogonal discrete wavelet.

    The taps are Python floats (double precision) in PyWavelets' order and normalisation: each
    low-pass filter of the pair sums to √2, and every filter has the same even length.

    Args:
        wavelet: Name of a discrete wavelet, as in ``pywt.wavelist(kind='discrete')``: ``'haar'``,
            ``'db2'``, ``'sym4'``, ``'bior2.2'`` …

    Attributes:
        name: Name of the wavelet, in lower case.
        dec_lo: Low-pass decomposition filter.
        dec_hi: High-pass decomposition filter.
        rec_lo: Low-pass reconstruction filter.
        rec_hi: High-pass reconstruction filter.

    Raises:
        ValueError: If PyWavelets has no such discrete wavelet, or if its filters do not
            reconstruct perfectly: ``'dmey'`` is a truncated filter that loses up to 1 % of a
            signal, so that an image would not be the sum of its sub-bands.

    Example:
        >>> FilterBank('haar').length
        2
    """

    # The tables of PyWavelets stay below 1e-10, all but dmey's, which misses by 4e-3.
    _tolerance = 1e-6

    def __init__(self, wavelet: str) -> None:
        names = pywt.wavelist(kind='discrete')
        name = wavelet.lower() if isinstance(wavelet, str) else wavelet
        if name not in names:
            if name in pywt.wavelist(kind='continuous'):
                problem = 'is a continuous wavelet, without a filter bank'
            else:
                problem = 'is no wavelet that PyWavelets knows'
            hint = did_you_mean(name, names, 'use a discrete one', repr, num=4, cutoff=0.4)
            raise ValueError(
                f"wavelet={wavelet!r} {problem}{hint} (all names: pywt.wavelist(kind='discrete'))"
            )
        bank = pywt.Wavelet(name).filter_bank
        self.name = name
        self.dec_lo, self.dec_hi, self.rec_lo, self.rec_hi = (tuple(taps) for taps in bank)
        error = self._reconstruction_error()
        if error > self._tolerance:
            raise ValueError(
                f'wavelet={wavelet!r} is neither orthogonal nor biorthogonal: its filters miss '
                f'perfect reconstruction by {error:.1g}; use for example a db, sym, coif, bior or '
                'rbio wavelet'
            )

    @property
    def length(self) -> int:
        """Number of taps, the same even number for all four filters."""
        return len(self.dec_lo)

    @property
    def is_haar(self) -> bool:
        """Whether these are the Haar filters, under whichever name (haar, db1, bior1.1 …)."""
        return self.length == 2 and np.allclose(self.dec_lo, 0.5**0.5, rtol=0, atol=1e-12)

    def _reconstruction_error(self) -> float:
        # Without aliasing and distortion the two products add up to a pure delay of gain 2.
        product = np.convolve(self.dec_lo, self.rec_lo) + np.convolve(self.dec_hi, self.rec_hi)
        product[self.length - 1] -= 2
        return float(np.abs(product).max())

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.name!r})'


@cache
def filter_bank(wavelet: str) -> FilterBank:
    """Return the :class:`FilterBank` of a wavelet, built once per name."""
    return FilterBank(wavelet)
