"""SimCLR of mmpretrain with components of mmfncontra."""

from typing import Any

import torch
from mmpretrain.models import SimCLR
from mmpretrain.registry import MODELS
from torch import Tensor

from .contrast import WithContrast


@MODELS.register_module()
class ContrastSimCLR(WithContrast, SimCLR):
    """SimCLR whose loss is put together from parts.

    With ``InfoNCE`` and nothing else it is mmpretrain's loss. On several ranks each has the loss of
    its own images against those of all, and gradients flow back to the ranks they are from, so that
    their average is the gradient of the loss of all images. (mmpretrain's is that divided by the
    number of ranks.)

    The view is applied to one of the two views of each image; positives are mixed with others of
    the same view. See :class:`~projects.ssl.contrast.WithContrast` for the arguments.
    """

    def loss(self, inputs: list[Tensor], data_samples: list, **kwargs: Any) -> dict[str, Tensor]:
        """Loss of a batch.

        Args:
            inputs: Two views of n images, each (n, C, H, W).
            data_samples: Not used.
            **kwargs: Not used.

        Returns:
            ``loss``.
        """
        first, second = inputs
        images = torch.cat([self.contrast.view(first), second])
        embeddings = self.neck(self.backbone(images))[0]
        first, second = embeddings.chunk(2)
        positives = torch.cat([self.contrast.mixing(second), self.contrast.mixing(first)])
        gather = self.contrast.gather_all
        everyones = gather(embeddings)
        is_own = self._is_own(embeddings, len(everyones), gather.first(embeddings))
        return dict(loss=self.contrast(embeddings, positives, everyones, ~is_own))

    @staticmethod
    def _is_own(embeddings: Tensor, total: int, start: int) -> Tensor:
        """Which of all embeddings (total) are of the image of each of this rank's."""
        place = torch.arange(len(embeddings), device=embeddings.device)
        both = torch.stack([place, place.roll(len(place) // 2)], dim=1) + start
        none = torch.zeros(len(place), total, dtype=torch.bool, device=embeddings.device)
        return none.scatter(1, both, True)
