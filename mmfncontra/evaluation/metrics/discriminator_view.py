"""What the discriminator thinks of training images, held-out images and fakes."""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmfncontra.models.network_facts import evaluating, num_classes
from mmfncontra.models.sampling.images import from_arrays
from mmfncontra.registry import METRICS
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.unwrap import unwrap

from ..functional import discriminator_view
from .heldout import check_heldout, read_heldout
from .sample_metric import SampleMetric


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

    NAMES: ClassVar = dict(all=('r_t_clean', 'heldout_gap', 'separation', 'r_v'))

    def __init__(
        self,
        heldout: dict | None = None,
        num_fake: int = 64,
        batch_size: int = 16,
        **kwargs,
    ) -> None:
        super().__init__(num_fake, **kwargs)
        check_integers(batch_size=batch_size)
        self.batch_size = batch_size
        self._heldout = read_heldout(heldout)

    def check_model(self, model: nn.Module) -> None:
        """Refuse held-out images of another size than the model's, and a generator alone.

        Args:
            model: A GAN.

        Raises:
            ValueError: If there is no discriminator, or the sizes differ.
        """
        super().check_model(model)
        if not hasattr(unwrap(model), 'discriminator'):
            raise ValueError(
                'DiscriminatorView needs the model in training: leave it out of test_evaluator'
            )
        check_heldout(self, self._heldout, model)

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Take in the model and the images."""
        self._model = module
        super().prepare(module, dataloader)

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Values by name, of batches of generated images, uint8 RGB (B, S, S, 3)."""
        discriminator = unwrap(self._model.discriminator)
        if num_classes(discriminator):
            self.warnings.append('DiscriminatorView is left out: the discriminator takes classes')
            return {}
        fake = np.concatenate(results)[: self.num_fake]
        sets = (np.stack(self._real), self._heldout, fake)
        logits = [each if each is None else self._logits(discriminator, each) for each in sets]
        found = discriminator_view(*logits)
        names = dict(r_t='r_t_clean', gap='heldout_gap')
        return {names.get(name, name): value for name, value in found.items()}

    def depends(self) -> dict[str, Any]:
        """What the values depend on, for the metric card."""
        split = None if self._heldout is None else f'{len(self._heldout)} held out'
        return super().depends() | dict(extractor='discriminator', split=split)

    @torch.no_grad()
    def _logits(self, discriminator: nn.Module, images: np.ndarray) -> np.ndarray:
        device = next(discriminator.parameters()).device
        parts: list[Tensor] = []
        with evaluating(discriminator):
            for start in range(0, len(images), self.batch_size):
                # Whole batches, filled up from the first images: StyleGAN2's discriminator compares
                # images in groups and takes no remainder.
                chosen = np.arange(start, start + self.batch_size) % len(images)
                batch = from_arrays(images[chosen]).to(device)
                parts.append(discriminator(batch).float().cpu())
        return torch.cat(parts).numpy()[: len(images)]
