"""LPIPS diversity and perceptual path length."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from mmfncontra.models.sampling import calibrate_batchnorm, copy_generator
from mmfncontra.registry import METRICS
from mmfncontra.utils.files import file_hash
from mmfncontra.utils.unwrap import unwrap

from ..features import LPIPSDistance
from ..functional.perceptual import lpips_diversity, perceptual_path_length
from .sample_metric import SampleMetric


@METRICS.register_module()
class PerceptualMetrics(SampleMetric):
    """Mean LPIPS distance of pairs of generated images, and of steps in W.

    ``lpips_diversity`` comes with ``lpips_diversity_real``, that of the training images. ``ppl``,
    with ``ppl_std``, is for style-based generators (:func:`perceptual_path_length`).

    Args:
        values: Which, ``lpips_diversity`` or ``ppl`` or both.
        num_fake: Generated images, of which all pairs are taken.
        num_paths: Steps in W.
        weights: File with torchvision's VGG16; default its own place.
        **kwargs: See :class:`SampleMetric`.

    Raises:
        FileNotFoundError: If the weights are not there; the message says which file to put where.
        ValueError: If a value is unknown or a number out of its range.
    """

    NAMES: ClassVar = dict(
        lpips_diversity=('lpips_diversity', 'lpips_diversity_real'),
        ppl=('ppl', 'ppl_std'),
    )

    def __init__(
        self,
        values: Sequence[str] = ('lpips_diversity',),
        num_fake: int = 100,
        num_paths: int = 1000,
        weights: str | Path | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_fake, **kwargs)
        self.values = self._check_values(values)
        self.num_paths, self.weights = num_paths, weights
        self._distance = LPIPSDistance(weights)
        self._device = torch.device('cpu')
        self.generator_source: Callable[[], nn.Module] | None = None

    def check_model(self, model: nn.Module) -> None:
        """Refuse path lengths of a generator without W.

        Args:
            model: A GAN, or a generator alone.

        Raises:
            ValueError: If the generator has no mapping to W.
        """
        super().check_model(model)
        generator = unwrap(getattr(unwrap(model), 'generator', model))
        if 'ppl' in self.values and not hasattr(generator, 'style_mapping'):
            raise ValueError(
                "PerceptualMetrics: 'ppl' needs a generator with a mapping to W (StyleGAN2), got "
                f'{type(generator).__name__}'
            )

    def to(self, device: torch.device | str) -> None:
        """Move the network."""
        device = torch.device(device)
        if device != self._device:
            self._distance, self._device = LPIPSDistance(self.weights, device), device

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Take in the real images, and where the generator is."""
        super().prepare(module, dataloader)
        use_ema = self.sample_model == 'ema'
        self.generator_source = lambda: calibrate_batchnorm(copy_generator(module, use_ema)).eval()

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Values by name, of batches of generated images, uint8 RGB (B, S, S, 3)."""
        found: dict[str, float] = {}
        if 'lpips_diversity' in self.values:
            fake = np.concatenate(results)[: self.num_fake]
            found['lpips_diversity'] = lpips_diversity(fake, self._distance)
            found['lpips_diversity_real'] = lpips_diversity(self._real, self._distance)
        if 'ppl' in self.values:
            path = perceptual_path_length(
                self.generator_source(), self._distance, num=self.num_paths, seed=self.seed
            )
            found |= dict(ppl=path['mean'], ppl_std=path['std'])
        return found

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        from mmfncontra.models.losses.lpips_reconstruction_loss import vgg16_weights_file

        path = vgg16_weights_file() if self.weights is None else Path(self.weights)
        return super().depends() | dict(
            extractor='lpips-vgg16', weights_hash=file_hash(path), num_paths=self.num_paths
        )
