"""What the discriminator thinks of training images, held-out images and fakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmfncontra.registry import DATASETS, METRICS
from mmfncontra.utils.unwrap import unwrap

from ..functional import discriminator_view
from .sample_metric import SampleMetric, read_image


@METRICS.register_module()
class DiscriminatorView(SampleMetric):
    """How far the discriminator overfits: its logits on images, without augmentation.

    ``r_t_clean`` is the mean sign of its logits on training images, ``separation`` how far fakes
    are below them; with a held-out split, ``heldout_gap`` is how far held-out images are below
    training images, and ``r_v`` the ratio of the two, 1 when held-out images look as false as fakes
    (:func:`discriminator_view`). The discriminator runs in evaluation mode.

    Args:
        heldout: Config of a data set of images that are not trained on, such as
            ``dict(type='FewShotDataset', data_root=…, size=…, indices=-20)`` where the training has
            ``indices=80`` of 100.
        num_fake: Generated images.
        batch_size: Images at once.
        **kwargs: See :class:`SampleMetric`.
    """

    def __init__(
        self,
        heldout: dict | None = None,
        num_fake: int = 64,
        batch_size: int = 16,
        **kwargs,
    ) -> None:
        super().__init__(num_fake, **kwargs)
        self.heldout, self.batch_size = heldout, batch_size

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Take in the model and the images.

        Args:
            module: The model.
            dataloader: Loader of the real images.
        """
        self._model = module
        super().prepare(module, dataloader)
        self._heldout = None
        if self.heldout is not None:
            pack = [dict(type='mmfncontra.PackImages')]
            dataset = DATASETS.build({**self.heldout, 'pipeline': pack})
            self._heldout = np.stack([read_image(dataset, i) for i in range(len(dataset))])

    def prepare_real(self, images: Sequence[np.ndarray]) -> None:
        """Keep the real images.

        Args:
            images: uint8 RGB, each (S, S, 3).
        """
        super().prepare_real(images)
        self._real = np.stack(images)

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Compute the values.

        Args:
            results: Batches of generated images.

        Returns:
            Values by name.
        """
        discriminator = unwrap(self._model.discriminator)
        if getattr(discriminator, 'num_classes', 0):
            self.warnings.append('DiscriminatorView is left out: the discriminator takes classes')
            return {}
        fake = np.concatenate(results)[: self.num_fake]
        logits = {
            name: None if images is None else self._logits(discriminator, images)
            for name, images in dict(real=self._real, heldout=self._heldout, fake=fake).items()
        }
        found = discriminator_view(logits['real'], logits['heldout'], logits['fake'])
        names = dict(r_t='r_t_clean', gap='heldout_gap')
        return {names.get(name, name): value for name, value in found.items()}

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        split = None if self.heldout is None else f'{len(self._heldout)} held out'
        return super().depends() | dict(extractor='discriminator', split=split)

    @torch.no_grad()
    def _logits(self, discriminator: nn.Module, images: np.ndarray) -> np.ndarray:
        device = next(discriminator.parameters()).device
        modes = {module: module.training for module in discriminator.modules()}
        discriminator.eval()
        parts: list[Tensor] = []
        for start in range(0, len(images), self.batch_size):
            batch = torch.from_numpy(images[start : start + self.batch_size]).to(device)
            batch = batch.permute(0, 3, 1, 2).float() / 127.5 - 1
            parts.append(discriminator(batch).float().cpu())
        for module, mode in modes.items():
            module.training = mode
        return torch.cat(parts).numpy()
