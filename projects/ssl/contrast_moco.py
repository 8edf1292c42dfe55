"""MoCo v2 of mmpretrain with components of mmfncontra."""

from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models import MoCo
from mmpretrain.models.utils import batch_shuffle_ddp, batch_unshuffle_ddp
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from .contrast import WithContrast


@MODELS.register_module()
class ContrastMoCo(WithContrast, MoCo):
    """MoCo whose loss is put together from parts; the others are the queue.

    With ``InfoNCE`` and nothing else it is mmpretrain's loss.

    The view is applied to the query's images; the queue keeps what was not mixed. See
    :class:`~projects.ssl.contrast.WithContrast` for the arguments.
    """

    def loss(self, inputs: list[Tensor], data_samples: list, **kwargs: Any) -> dict[str, Tensor]:
        """Loss of a batch; the key encoder and the queue move on.

        Args:
            inputs: Two views of n images, each (n, C, H, W).
            data_samples: Not used.
            **kwargs: Not used.

        Returns:
            ``loss``.
        """
        query_images, key_images = inputs
        query = self.neck(self.backbone(self.contrast.view(query_images)))[0]
        key = self._keys(key_images)
        others = self.queue.T.clone()
        loss = self.contrast(query, self.contrast.mixing(key), others)
        self._dequeue_and_enqueue(key)
        return dict(loss=loss)

    @torch.no_grad()
    def _keys(self, images: Tensor) -> Tensor:
        """Unit-length embeddings of the momentum encoder, after its step."""
        self.encoder_k.update_parameters(nn.Sequential(self.backbone, self.neck))
        # Over ranks, so that batch normalisation does not tell which images belong together.
        shuffled, order = batch_shuffle_ddp(images)
        keys = F.normalize(self.encoder_k(shuffled)[0], dim=1)
        return batch_unshuffle_ddp(keys, order)
