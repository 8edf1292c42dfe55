"""Metrics that need no weights."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from mmfncontra.registry import METRICS
from mmfncontra.utils.checks import check_integers

from ..functional import (
    copy_rate,
    pairwise_diversity,
    radial_power_spectrum,
    sliced_wasserstein,
    subband_ratios,
)
from ..functional.image_arrays import reduce_images
from .sample_metric import SampleMetric


@METRICS.register_module()
class ImageMetrics(SampleMetric):
    """Spectrum, sub-bands, local structure, copies and diversity, from pixels alone.

    ====================  ==========================================================================
    ``spectrum_distance`` dB between the radial power spectra (:func:`spectrum_distance`)
    ``subband_<name>``    dB of generated against real energy in the finest three levels
                          (:func:`subband_ratios`), 0 where they agree
    ``swd``               sliced Wasserstein distance of patches (:func:`sliced_wasserstein`)
    ``copy_rate``         share of generated images that are nearer to a training image than
                          training images are to each other; ``copy_rate_wavelet`` the same by
                          coarse wavelet coefficients (:func:`copy_rate`)
    ``diversity``         mean distance of pairs (:func:`pairwise_diversity`), and
                          ``diversity_ratio``, against the training images'
    ====================  ==========================================================================

    Args:
        values: Which, some of ``spectrum``, ``subbands``, ``swd``, ``copy_rate``, ``diversity``.
        num_fake: Generated images.
        num_real: Real images that are compared, evenly spread; default as many as ``num_fake``.
            Copies are looked for among all of them.
        **kwargs: See :class:`SampleMetric`.

    Attributes:
        most_copied: After an evaluation, pairs of a generated image and its nearest training image,
            from the nearest pair to the farthest, uint8 RGB (2, S, S, 3) each.

    Raises:
        ValueError: If a value is unknown or a number out of its range.
    """

    NUM_PAIRS = 8

    NAMES: ClassVar = dict(
        spectrum=('spectrum_distance',),
        subbands=('subband_*',),
        swd=('swd',),
        copy_rate=('copy_rate', 'copy_rate_wavelet'),
        diversity=('diversity', 'diversity_ratio'),
    )

    def __init__(
        self,
        values: Sequence[str] = tuple(NAMES),
        num_fake: int = 256,
        num_real: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_fake, **kwargs)
        if num_real is not None:
            check_integers(num_real=num_real)
        self.values = self._check_values(values)
        self.compared = num_real or num_fake
        self.most_copied: list[np.ndarray] = []

    def prepare_real(self, images: Sequence[np.ndarray]) -> None:
        """Keep the real images, uint8 RGB, each (S, S, 3), as they are and reduced."""
        super().prepare_real(images)
        self._all_real = np.stack(images)
        chosen = (
            np.linspace(0, len(images) - 1, min(self.compared, len(images))).round().astype(int)
        )
        self._real = self._all_real[chosen]
        self._all_thumbnails = reduce_images(self._all_real)
        self._thumbnails = self._all_thumbnails[chosen]

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Values by name, of batches of generated images, uint8 RGB (B, S, S, 3)."""
        fake = np.concatenate(results)[: self.num_fake]
        thumbnails = reduce_images(fake)  # once: for large images it takes as long as the rest
        found: dict[str, float] = {}
        for value in self.values:
            found |= getattr(self, f'_{value}')(fake, thumbnails)
        return found

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        return super().depends() | dict(num_compared=len(self._real), extractor='pixels')

    def _spectrum(self, fake: np.ndarray, thumbnails: np.ndarray) -> dict[str, float]:
        real_spectrum, fake_spectrum = map(radial_power_spectrum, (self._real, fake))
        side = fake.shape[1]
        self.curves = dict(
            frequency=[r / side for r in range(len(fake_spectrum))],
            spectrum_real=real_spectrum.tolist(),
            spectrum_fake=fake_spectrum.tolist(),
        )
        difference = fake_spectrum - real_spectrum
        return dict(spectrum_distance=float(np.sqrt(np.square(difference).mean())))

    def _subbands(self, fake: np.ndarray, thumbnails: np.ndarray) -> dict[str, float]:
        ratios = subband_ratios(self._real, fake)
        fine = {name: value for name, value in ratios.items() if int(name.split('_')[1]) <= 3}
        return {f'subband_{name}': value for name, value in fine.items()}

    def _swd(self, fake: np.ndarray, thumbnails: np.ndarray) -> dict[str, float]:
        return dict(swd=sliced_wasserstein(self._real, fake)['mean'])

    def _copy_rate(self, fake: np.ndarray, thumbnails: np.ndarray) -> dict[str, float]:
        if len(self._all_real) < 2:
            self.warnings.append('copy_rate needs two training images or more and is left out')
            return {}
        found = copy_rate(self._all_thumbnails, thumbnails)
        order = np.argsort(found['nearest'])
        shown = order[np.unique(np.linspace(0, len(order) - 1, self.NUM_PAIRS).astype(int))]
        self.most_copied = [np.stack([fake[i], self._all_real[found['indices'][i]]]) for i in shown]
        by_wavelet = copy_rate(self._all_thumbnails, thumbnails, space='wavelet')
        return dict(copy_rate=found['copy_rate'], copy_rate_wavelet=by_wavelet['copy_rate'])

    def _diversity(self, fake: np.ndarray, thumbnails: np.ndarray) -> dict[str, float]:
        if min(len(fake), len(self._real)) < 2:
            self.warnings.append('diversity needs two images or more and is left out')
            return {}
        found = dict(diversity=pairwise_diversity(thumbnails)['mean'])
        baseline = pairwise_diversity(self._thumbnails)['mean']
        if baseline:
            return found | dict(diversity_ratio=found['diversity'] / baseline)
        self.warnings.append('diversity_ratio is left out: all training images are the same')
        return found
