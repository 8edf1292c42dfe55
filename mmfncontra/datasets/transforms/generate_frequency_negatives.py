"""Frequency negatives in a data pipeline."""

from collections.abc import Sequence

import numpy as np
import pywt
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmfncontra.models.wavelets import ORIENTATIONS, check_levels, filter_bank
from mmfncontra.models.wavelets.frequency_negatives import dropped_index, middle_index
from mmfncontra.registry import TRANSFORMS


@TRANSFORMS.register_module()
class GenerateFrequencyNegatives(BaseTransform):
    """Add easy, middle and hard frequency negatives of an image to the results, with PyWavelets.

    The same images as :class:`~mmfncontra.models.wavelets.FrequencyNegatives` makes on the device,
    for pipelines that need them on the host: easy keeps the approximation only, middle one
    orientation of detail besides, hard two. Orientations are drawn uniformly from ``np.random``,
    which mmengine seeds. Sides that ``2**levels`` does not divide are mirrored at the bottom and on
    the right, and the result is cropped.

    Required keys: ``key``, an (H, W, C) or (H, W) array, uint8 or floating point.

    Added keys: ``{key}_neg_easy``, ``{key}_neg_middle``, ``{key}_neg_hard``, of the same shape and
    dtype; uint8 is rounded and clipped to [0, 255].

    Args:
        key: Name of the image in the results.
        wavelet: Name of an orthogonal or biorthogonal discrete wavelet of PyWavelets.
        levels: Number of decompositions. Images have at least ``2**levels`` pixels a side.
        middle: Orientation that middle keeps, ``'LH'``, ``'HL'`` or ``'HH'``; drawn if None.
        hard: The two orientations that hard keeps, in any order; drawn if None.

    Raises:
        ValueError: If an argument is not usable.

    Example:
        >>> import numpy as np
        >>> transform = GenerateFrequencyNegatives(middle='LH', hard=('LH', 'HL'))
        >>> results = transform(dict(img=np.zeros((64, 64, 3), np.uint8)))
        >>> sorted(results)
        ['img', 'img_neg_easy', 'img_neg_hard', 'img_neg_middle']
    """

    def __init__(
        self,
        key: str = 'img',
        wavelet: str = 'haar',
        levels: int = 5,
        middle: str | None = None,
        hard: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(key, str) or not key:
            raise ValueError(f'key={key!r} must be the name of an image in the results')
        check_levels(levels)
        self.key = key
        self.wavelet = filter_bank(wavelet).name
        self.levels = levels
        self.middle = None if middle is None else middle_index(middle)
        self.dropped = None if hard is None else dropped_index(hard)

    @cache_randomness
    def _draw(self) -> tuple[int, int]:
        """Draw what middle keeps and what hard lacks, as indices in ``ORIENTATIONS``."""
        middle, dropped = np.random.randint(len(ORIENTATIONS), size=2)
        return int(middle), int(dropped)

    def transform(self, results: dict) -> dict:
        """Add the three negatives.

        Args:
            results: Results of the pipeline so far, with the image in ``results[key]``.

        Returns:
            ``results`` with three more images.

        Raises:
            ValueError: If the image is not (H, W) or (H, W, C), or smaller than ``2**levels``.
            TypeError: If it is neither uint8 nor floating point.
        """
        image, what = results[self.key], f'results[{self.key!r}]'
        if image.ndim not in (2, 3):
            raise ValueError(f'{what} has the shape {image.shape}, but must be (H, W, C) or (H, W)')
        if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
            raise TypeError(f'{what} has dtype {image.dtype}, but must be uint8 or floating point')
        check_levels(self.levels, *image.shape[:2])
        middle, dropped = self.middle, self.dropped
        if middle is None or dropped is None:
            drawn = self._draw()
            middle = drawn[0] if middle is None else middle
            dropped = drawn[1] if dropped is None else dropped

        kept = dict(easy=(), middle=(middle,), hard=tuple({0, 1, 2} - {dropped}))
        ll, details = self._decompose(image)
        for name, orientations in kept.items():
            negative = self._reconstruct(ll, details, orientations)
            negative = negative[: image.shape[0], : image.shape[1]]
            if image.dtype == np.uint8:
                negative = np.rint(negative).clip(0, 255)
            results[f'{self.key}_neg_{name}'] = negative.astype(image.dtype, order='C')
        return results

    def _decompose(self, image: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, ...]]]:
        """Return the approximation and (LH, HL, HH) of each level, finest first."""
        multiple = 2**self.levels
        padding = [(0, -side % multiple) for side in image.shape[:2]] + [(0, 0)] * (image.ndim - 2)
        ll = np.pad(image, padding, mode='symmetric')
        ll = ll.astype(np.result_type(image.dtype, np.float32))
        details = []
        for _ in range(self.levels):
            ll, (horizontal, vertical, diagonal) = pywt.dwt2(
                ll, self.wavelet, mode='periodization', axes=(0, 1)
            )
            details.append((vertical, horizontal, diagonal))
        return ll, details

    def _reconstruct(
        self,
        ll: np.ndarray,
        details: list[tuple[np.ndarray, ...]],
        orientations: tuple[int, ...],
    ) -> np.ndarray:
        for level in reversed(details):
            vertical, horizontal, diagonal = (
                band if i in orientations else None for i, band in enumerate(level)
            )
            ll = pywt.idwt2(
                (ll, (horizontal, vertical, diagonal)),
                self.wavelet,
                mode='periodization',
                axes=(0, 1),
            )
        return ll

    def __repr__(self) -> str:
        fixed = [None if i is None else ORIENTATIONS[i] for i in (self.middle, self.dropped)]
        return (
            f'{type(self).__name__}(key={self.key!r}, wavelet={self.wavelet!r}, '
            f'levels={self.levels}, middle={fixed[0]!r}, hard lacks {fixed[1]!r})'
        )
