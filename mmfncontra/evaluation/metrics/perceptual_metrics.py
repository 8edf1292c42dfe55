"""LPIPS diversity and perceptual path length."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from mmfncontra.models.sampling import calibrate_batchnorm, copy_generator
from mmfncontra.registry import METRICS
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.unwrap import unwrap

from ..features import LPIPSDistance
from ..functional.perceptual import lpips_diversity, perceptual_path_length
from .sample_metric import SampleMetric


@METRICS.register_module()
class PerceptualMetrics(SampleMetric):
    """Mean LPIPS distance of pairs of generated images, and of steps in W.

    ``lpips_diversity`` comes with ``lpips_diversity_real``, that of the training images. ``ppl``,
    with ``ppl_std``, is for style-based generators (:func:`perceptual_path_length`). Values by
    shift-tolerant LPIPS have its network in their name, so that those of two networks never pass
    for each other: ``stlpips_vgg_diversity``, ``stlpips_vgg_ppl``.

    Args:
        values: Which, by their names: ``lpips_diversity`` or ``ppl`` or both, of shift-tolerant
            LPIPS ``stlpips_vgg_diversity`` and so on; default the diversity.
        num_fake: Generated images, of which all pairs are taken.
        num_paths: Steps in W.
        weights: File with the weights of the network; default its own place.
        network: One of :data:`~mmfncontra.evaluation.features.LPIPS_NETWORKS`:
            ``'lpips_vgg16'``, or ``'stlpips_vgg'`` or ``'stlpips_alex'``, which need no download.
        **kwargs: See :class:`SampleMetric`.

    Raises:
        FileNotFoundError: If the weights are not there; the message says which file to put where.
        ImportError: If the package of the weights is missing.
        ValueError: If a value or the network is unknown, or a number out of its range.
    """

    def __init__(
        self,
        values: Sequence[str] | None = None,
        num_fake: int = 100,
        num_paths: int = 1000,
        weights: str | Path | None = None,
        network: str = 'lpips_vgg16',
        **kwargs,
    ) -> None:
        super().__init__(num_fake, **kwargs)
        check_integers(num_paths=num_paths)
        self._distance = LPIPSDistance(weights, network=network)
        published = network == 'lpips_vgg16'
        self._diversity = 'lpips_diversity' if published else f'{network}_diversity'
        self._path_length = 'ppl' if published else f'{network}_ppl'
        self.NAMES = {
            self._diversity: (self._diversity, f'{self._diversity}_real'),
            self._path_length: (self._path_length, f'{self._path_length}_std'),
        }
        self.values = self._check_values((self._diversity,) if values is None else values)
        self.num_paths = num_paths
        self.generator_source: Callable[[], nn.Module] | None = None

    @property
    def network_hash(self) -> str:
        """Hash of the weights of the network."""
        return self._distance.hash

    def check_model(self, model: nn.Module) -> None:
        """Refuse path lengths of a generator without W.

        Args:
            model: A GAN, or a generator alone.

        Raises:
            ValueError: If the generator has no mapping to W.
        """
        super().check_model(model)
        generator = unwrap(getattr(unwrap(model), 'generator', model))
        if self._path_length in self.values and not hasattr(generator, 'style_mapping'):
            raise ValueError(
                f"PerceptualMetrics: '{self._path_length}' needs a generator with a mapping to W "
                f'(StyleGAN2), got {type(generator).__name__}'
            )

    def to(self, device: torch.device | str) -> None:
        """Move the network."""
        self._distance.to(device)

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Take in the real images, and where the generator is."""
        super().prepare(module, dataloader)
        use_ema = self.sample_model == 'ema'
        self.generator_source = lambda: calibrate_batchnorm(copy_generator(module, use_ema)).eval()

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Values by name, of batches of generated images, uint8 RGB (B, S, S, 3)."""
        found: dict[str, float] = {}
        if self._diversity in self.values:
            fake = np.concatenate(results)[: self.num_fake]
            for name, images in zip(self.NAMES[self._diversity], (fake, self._real), strict=True):
                found[name] = lpips_diversity(images, self._distance)
        if self._path_length in self.values:
            path = perceptual_path_length(
                self.generator_source(), self._distance, num=self.num_paths, seed=self.seed
            )
            for name, value in zip(
                self.NAMES[self._path_length], (path['mean'], path['std']), strict=True
            ):
                found[name] = value
        return found

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        return super().depends() | dict(
            extractor=self._distance.network.replace('_', '-'),
            weights_hash=self.network_hash,
            num_paths=self.num_paths,
        )
