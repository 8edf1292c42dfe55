"""FID and its kin, from features of a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mmfncontra.registry import METRICS
from mmfncontra.utils.checks import check_booleans

from ..features import EXTRACTORS, FeatureExtractor, cached_features
from ..functional import extrapolate, feature_copy_rate, nearer_to_training
from ..functional.frechet import frechet_distance
from ..functional.inception_score import inception_score
from ..functional.kernel_distance import kernel_distance
from ..functional.precision_recall import density_coverage, precision_recall
from ..value_names import MEMORISATION, OF_HELDOUT, short_name, value_name
from .heldout import check_heldout, read_heldout
from .sample_metric import SampleMetric

# Below so many images a bare FID says more about their number than about the generator.
FEW = 10_000
# Of real and of generated images, what a value takes at least.
_LEAST = dict(
    fid=(2, 2), kid=(2, 2), precision_recall=(4, 4), density_coverage=(6, 1), memorisation=(2, 1)
)


@METRICS.register_module()
class FeatureMetrics(SampleMetric):
    """Distances, precision, recall, density, coverage and copies in features of a network.

    ====================  ==========================================================================
    ``fid``               Fréchet distance, ``fid``; from 64 to 9,999 generated images also
                          ``fid_unbiased``, its extrapolation to infinitely many
    ``kid``               kernel distance, ``kid_mean`` and ``kid_std``
    ``inception_score``   with Inception only, ``inception_score_std`` beside it
    ``precision_recall``  ``precision`` and ``recall``
    ``density_coverage``  ``density`` and ``coverage``
    ``memorisation``      ``copy_rate_…`` and ``nearest_ratio_…`` (:func:`feature_copy_rate`); with
                          held-out images ``copy_rate_heldout_…``, what would be taken for copies
                          among them, ``nearer_to_training_…`` (:func:`nearer_to_training`), and
                          ``fd_heldout_…``, ``kid_heldout_…``, the distances to them
    ====================  ==========================================================================

    These are the names with Inception, which FID is reserved for. With another network a value has
    its short name in it: ``fd_lite2``, ``fd_lite2_unbiased``, ``kid_lite2``, ``kid_lite2_std``,
    ``precision_lite2`` and so on.

    One pass of the network serves all values. Images go from the generator to it without leaving
    the GPU; only their features do, and nothing waits for them before :meth:`evaluate`. The
    features of the real images are computed once and kept in ``cache_dir``, keyed by the content
    of the images. A value that takes more images than there are is left out, with a warning.

    Source: Heusel et al., NeurIPS 2017; Bińkowski et al., ICLR 2018; Salimans et al., NeurIPS 2016;
    Kynkäänniemi et al., NeurIPS 2019; Naeem et al., ICML 2020. The distances, precision and recall
    and the Inception score are computed by torch-fidelity.

    Args:
        values: Which, some of the above; ``fd`` is another word for ``fid`` where the network is
            not Inception.
        num_fake: Generated images; 5,000 in the FNContra paper.
        extractor: Name of the network, see :class:`FeatureExtractor`.
        weights: File with its weights; default the package's, or the published ones in torch's hub
            folder.
        cache_dir: Folder of the features of real images; ``None`` keeps none.
        batch_size: Images per forward pass of the network.
        download: Fetch the published weights when they are not there.
        precision: What generator and network compute in, see :class:`SampleMetric`. Only
            ``'float32'`` gives the numbers of torch-fidelity.
        heldout: Config of a data set of images that are not trained on, for ``memorisation``, as
            in :class:`DiscriminatorView`.
        optional: Whether trainings and tests do without the metric, and say so, where a package of
            the network is not installed (:func:`installed_metrics`).
        **kwargs: See :class:`SampleMetric`.

    Raises:
        FileNotFoundError: If the weights are not there; the message says which file to put where.
        ImportError: If a package is missing; the message is the command that installs it.
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
        memorisation=MEMORISATION,
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
        heldout: dict | None = None,
        optional: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(num_fake, precision=precision, **kwargs)
        if not isinstance(extractor, str) or extractor not in EXTRACTORS:
            raise ValueError(f'extractor must be one of {", ".join(EXTRACTORS)}, got {extractor!r}')
        check_booleans(optional=optional)
        if not isinstance(values, Sequence):
            raise ValueError(f'values must be a list of {", ".join(self.NAMES)}, got {values!r}')
        if heldout is not None and not isinstance(heldout, dict):
            raise ValueError(f'heldout must be the config of a data set or None, got {heldout!r}')
        if extractor != 'inception' and not isinstance(values, str):
            values = dict.fromkeys('fid' if value == 'fd' else value for value in values)
        self.values = self._check_values(values if isinstance(values, str) else tuple(values))
        if heldout is not None and 'memorisation' not in self.values:
            raise ValueError("heldout is for the value 'memorisation', which is not among values")
        self.cache_dir, self.optional = cache_dir, optional
        # Built now: missing weights are to show before training, not at the first validation.
        self._extractor = FeatureExtractor(
            extractor, weights, batch_size=batch_size, download=download, precision=precision
        )
        if 'inception_score' in values and not self._extractor.has_logits:
            raise ValueError(f"values: 'inception_score' needs logits, which {extractor} has not")
        self._heldout = read_heldout(heldout)

    @property
    def group(self) -> str:
        """What its values are called on a metric card: with the network, if not Inception."""
        name, kind = self._extractor.name, super().group
        return kind if name == 'inception' else f'{kind} {short_name(name)}'

    @property
    def network_hash(self) -> str:
        """Hash of the weights of the network."""
        return self._extractor.hash

    def value_names(self) -> list[str]:
        """Names that values of this metric can have, before the prefix."""
        without = () if self._heldout is not None else OF_HELDOUT
        names = [name for name in super().value_names() if name not in without]
        return [value_name(name, self._extractor.name) for name in names]

    def check_model(self, model: nn.Module) -> None:
        """Refuse held-out images of another size than the model's.

        Args:
            model: A GAN, or a generator alone.

        Raises:
            ValueError: If the sizes differ.
        """
        super().check_model(model)
        check_heldout(self, self._heldout, model)

    def to(self, device: torch.device | str) -> None:
        """Move the network."""
        self._extractor.to(device)

    def prepare_real(self, images: Sequence[np.ndarray]) -> None:
        """Compute the features of real images, uint8 RGB (S, S, 3), or find them in the cache."""
        super().prepare_real(images)
        self._real = self._features(images)
        if 'memorisation' in self.values:
            self._mirrored = self._features(_mirror(images))
        if self._heldout is not None:
            self._others = self._features(self._heldout), self._features(_mirror(self._heldout))

    def _features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return cached_features(self._extractor, images, self.cache_dir)['features']

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
            real_least, fake_least = _LEAST.get(value, (1, 1))
            if len(self._real) < real_least or len(fake['features']) < fake_least:
                self.warnings.append(
                    f'{value} needs {real_least} training and {fake_least} generated images or '
                    'more and is left out'
                )
                continue
            found |= getattr(self, f'_{value}')(fake)
        if self.precision != 'float32':
            self.warnings.append(
                f'images and features were computed in {self.precision}: compare the values with '
                'none that were not'
            )
        return {value_name(name, self._extractor.name): value for name, value in found.items()}

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        found = super().depends() | self._extractor.fingerprint
        return (
            found if self._heldout is None else found | dict(split=f'{len(self._heldout)} held out')
        )

    def _fid(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        features = fake['features']
        found = dict(fid=_frechet(features, self._real))
        if len(features) < FEW and len(features) >= 64:
            line = extrapolate(
                lambda chosen: frechet_distance(features[chosen], self._real, low_rank=True),
                len(features),
            )
            found |= dict(fid_unbiased=line['unbiased'])
            # Of other networks' no number was published that one would compare it with.
            if self._extractor.name != 'inception':
                return found
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

    def _memorisation(self, fake: dict[str, np.ndarray]) -> dict[str, float]:
        features = fake['features']
        found = feature_copy_rate(self._real, features, self._mirrored)
        values = dict(copy_rate=found['copy_rate'])
        if np.isfinite(found['nearest_ratio']):  # not where all training images are one picture
            values |= dict(nearest_ratio=found['nearest_ratio'])
        if self._heldout is None:
            return values
        others, mirrored = self._others
        by_chance = feature_copy_rate(self._real, others, self._mirrored)['copy_rate']
        nearer = nearer_to_training(self._real, others, features, self._mirrored, mirrored)
        values |= dict(copy_rate_heldout=by_chance, nearer_to_training=nearer)
        if min(len(others), len(features)) < 2:
            return values
        distance = kernel_distance(features, others)['mean']
        return values | dict(fd_heldout=_frechet(features, others), kid_heldout=distance)


def _frechet(features: np.ndarray, others: np.ndarray) -> float:
    # The same to 2e-7, and as much faster as the smaller side has fewer images than features.
    low_rank = min(len(features), len(others)) <= features.shape[1] // 2
    return frechet_distance(features, others, low_rank)


def _mirror(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [image[:, ::-1] for image in images]
