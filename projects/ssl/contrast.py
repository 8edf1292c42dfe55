"""What the contrastive models share: the components of mmfncontra and where they act."""

from typing import Any

import torch
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from mmfncontra.models.losses import GatherEmbeddings, cosine, cosine_to_others


class Contrast(nn.Module):
    """Components of mmfncontra around one contrastive loss, built by their prefix.

    Args:
        temperature: That of the objective, unless its config has one of its own.
        objective: Config of the loss, such as ``dict(type='mmfncontra.DCL')``.
        synthetic: Config of negatives made from the others, ``mmfncontra.SyntheticNegatives``.
        view: Config of what is done to the query's images, ``mmfncontra.RandomMasking``.
        mixing: Config of what is done to the positives' embeddings, ``mmfncontra.FeatureMixing``.
    """

    def __init__(
        self,
        temperature: float,
        objective: dict,
        synthetic: dict | None = None,
        view: dict | None = None,
        mixing: dict | None = None,
    ) -> None:
        super().__init__()
        self.objective = MODELS.build({'temperature': temperature, **objective})
        self.objective.gather = True  # models that contrast with all ranks' images
        self.gather_all = GatherEmbeddings()
        self.synthetic = None if synthetic is None else MODELS.build(synthetic)
        self.view = nn.Identity() if view is None else MODELS.build(view)
        self.mixing = nn.Identity() if mixing is None else MODELS.build(mixing)

    def forward(
        self, query: Tensor, positive: Tensor, others: Tensor, is_other: Tensor | None = None
    ) -> Tensor:
        """Loss of a batch.

        Args:
            query: Embeddings, (B, E).
            positive: Embeddings of their positives, (B, E).
            others: Embeddings of other images, (N, E).
            is_other: Which of them are negatives of which query, (B, N) bool; ``None``: all.

        Returns:
            The loss, a scalar.
        """
        to_others = cosine_to_others(query, others, is_other)
        if self.synthetic is not None:
            mixes = self.synthetic(query, others, is_other)
            to_others = torch.cat([to_others, cosine_to_others(query, mixes)], dim=1)
        return self.objective.terms(cosine(query, positive), to_others=to_others).mean()


class WithContrast:
    """Gives a self-supervised model of mmpretrain a :class:`Contrast` in the place of its loss.

    Args:
        objective: See :class:`Contrast`; default ``InfoNCE``.
        synthetic: See there.
        view: See there.
        mixing: See there.
        **kwargs: What mmpretrain's class takes; its head gives the temperature.
    """

    def __init__(
        self,
        objective: dict = dict(type='mmfncontra.InfoNCE'),  # noqa: B006 (never changed)
        synthetic: dict | None = None,
        view: dict | None = None,
        mixing: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contrast = Contrast(self.head.temperature, objective, synthetic, view, mixing)
