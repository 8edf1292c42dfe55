"""FID and its kin, from the features of a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mmfncontra.registry import METRICS

from ..features import FeatureExtractor, cached_features
from ..functional import extrapolate
from ..functional.frechet import frechet_distance
from ..functional.inception_score import inception_score
from ..functional.kernel_distance import kernel_distance
from ..functional.precision_recall import density_coverage, precision_recall
from .sample_metric import SampleMetric

# Below so many images a bare FID says more about their number than about the generator.
FEW = 10_000


@METRICS.register_module()
class FeatureMetrics(SampleMetric):
    """FID, KID, Inception score, precision, recall, density and coverage, through torch-fidelity.

    One pass of the network serves all values. Images go from the generator to it without leaving
    the GPU; only their features do, and nothing waits for them before :meth:`evaluate`. The
    features of the real images are computed once and kept in ``cache_dir``, keyed by the content
    of the images.

    Source: Heusel et al., NeurIPS 2017; Bińkowski et al., ICLR 2018; Salimans et al., NeurIPS 2016;
    Kynkäänniemi et al., NeurIPS 2019; Naeem et al., ICML 2020.

    Args:
        values: Which, some of ``fid``, ``kid``, ``inception_score``, ``precision_recall``,
            ``density_coverage``.
        num_fake: Generated images; 5,000 in the FNContra paper.
        extractor: Name of the network, see :class:`FeatureExtractor`.
        weights: File with its weights; default the published ones in torch's hub folder.
        cache_dir: Folder of the features of real images; ``None`` keeps none.
        batch_size: Images per forward pass of the network.
        download: Fetch the published weights when they are not there.
        precision: What generator and network compute in, see :class:`SampleMetric`. Only
            ``'float32'`` gives the numbers of torch-fidelity.
        **kwargs: See :class:`SampleMetric`.

    Raises:
        FileNotFoundError: If the weights are not there; the message says which file to put where.
        ValueError: If an argument is out of its range, or a value needs logits that the network
            does not have.
    """

    takes_arrays = False

    NAMES: ClassVar = dict(
        fid=('fid', 'fid_unbiased'),
        kid=('kid_mean', 'kid_std'),
        inception_score=('inception_score', 'inception_score_std'),
        precision_recall=('precision', 'recall'),
        density_coverage=('density', 'coverage'),
    )

    def __init__(
        self,
        values: Sequence[str] = ('fid', 'kid'),
        num_fake: int = 5000,
        extractor: str = 'inception',
        weights: str | Path | None = None,
        cache_dir: str | Path | None = '~/.cache/mmfncontra',
        batch_size: int = 32,
        download: bool = False,
        precision: str = 'float32',
        **kwargs,
    ) -> None:
        super().__init__(num_fake, precision=precision, **kwargs)
        self.values = self._check_values(values)
        self.cache_dir = cache_dir
        # Built now: missing weights are to show before training, not at the first validation.
        self._extractor = FeatureExtractor(
            extractor, weights, batch_size=batch_size, download=download, precision=precision
        )
        if 'inception_score' in values and not self._extractor.has_logits:
            raise ValueError(f"values: 'inception_score' needs logits, which {extractor} has not")

    def to(self, device: torch.device | str) -> None:
        """Move the network."""
        self._extractor.to(device)

    def prepare_real(self, images: Sequence[np.ndarray]) -> None:
        """Compute the features of real images, uint8 RGB (S, S, 3), or find them in the cache."""
        super().prepare_real(images)
        self._real = cached_features(self._extractor, images, self.cache_dir)['features']

    def reduce(self, images: np.ndarray | Tensor) -> dict[str, Tensor]:
        """Features of uint8 RGB images (B, S, S, 3), on their way to the host: see `evaluate`."""
        found = self._extractor.extract(torch.as_tensor(images))
        if 'inception_score' not in self.values:
            found.pop('logits', None)
        is_cuda = self._extractor.device.type == 'cuda'
        return {name: rows.to('cpu', non_blocking=is_cuda) for name, rows in found.items()}

    def evaluate(self, size: int = 0) -> dict[str, float]:
        """Wait for the features of all batches, gather, compute; the same values on every rank."""
        if self._extractor.device.type == 'cuda':
            torch.cuda.synchronize(self._extractor.device)
        self.results = [
            {name: rows.numpy() for name, rows in part.items()} for part in self.results
        ]
        return super().evaluate(size)

    def compute_metrics(self, results: list[dict[str, np.ndarray]]) -> dict[str, float]:
        """Values by name, of the features (B, D) of batches of generated images."""
        fake = {
            name: np.concatenate([part[name] for part in results])[: self.num_fake]
            for name in results[0]
        }
        found: dict[str, float] = {}
        for value in self.values:
            found |= getattr(self, f'_{value}')(fake)
        if self.precision != 'float32':
            self.warnings.append(
                f'images and features were computed in {self.precision}: compare the values with '
                'none that were not'
            )
        return found

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        return super().depends() | self._extractor.fingerprint

    def _fid(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        features = fake['features']
        # The same to 2e-7, and as much faster as the smaller side has fewer images than features.
        low_rank = min(len(features), len(self._real)) <= features.shape[1] // 2
        found = dict(fid=frechet_distance(features, self._real, low_rank))
        if len(features) < FEW and len(features) >= 64:
            line = extrapolate(
                lambda chosen: frechet_distance(features[chosen], self._real, low_rank=True),
                len(features),
            )
            found |= dict(fid_unbiased=line['unbiased'])
            self.warnings.append(
                f'FID of {len(features)} generated images is biased by about {line["bias"]:.2f} '
                f'(± {line["stderr"]:.2f}); compare it with none of another number of images'
            )
        return found

    def _kid(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        found = kernel_distance(fake['features'], self._real)
        return dict(kid_mean=found['mean'], kid_std=found['std'])

    def _inception_score(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        splits = min(10, len(fake['logits']))
        found = inception_score(fake['logits'], splits=splits)
        return dict(inception_score=found['mean'], inception_score_std=found['std'])

    def _precision_recall(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        found = precision_recall(fake['features'], self._real)
        return dict(precision=found['precision'], recall=found['recall'])

    def _density_coverage(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        return density_coverage(fake['features'], self._real)
