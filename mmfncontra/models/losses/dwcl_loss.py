"""Discriminated wavelet-instance contrastive loss."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers

from .gather_embeddings import first_of_rank, gather_embeddings
from .similarity import cosine, cosine_to_all, cosine_to_negatives, level_weights


@MODELS.register_module()
class DWCLLoss(nn.Module):
    r"""Pull an image's embedding to its positive view and away from its degraded copies.

    With :math:`\tau` the temperature, :math:`f^+` the positive and :math:`f_k` the one negative of
    level k,

    .. math::
        \mathrm{NCE}(f, f^+, f_k) = -\log \frac{e^{\cos(f, f^+)/\tau}}
            {e^{\cos(f, f^+)/\tau} + e^{\cos(f, f_k)/\tau} + N(f)}, \qquad
        L = \lambda \sum_k w_k \, \mathrm{mean}_B \, \mathrm{NCE}(f, f^+, f_k).

    N(f) is what other images add to the denominator, the same at every level; by default it is 0,
    which is FNContra. For image i of the batch

    .. math::
        N(f_i) = \sum_{j \neq i} e^{\cos(f_i, f_j^+)/\tau} + \sum_q e^{\cos(f_i, q)/\tau},

    the first sum with ``batch_negatives``, over the positives of other images of the batch, and
    with ``gather`` of the batches of all ranks; the second one over a queue of past positives.

    Source: Yang et al., Expert Systems with Applications 263, 2025 (DWCL); other images as
    negatives: Chen et al., ICML 2020 (SimCLR); the queue: He et al., CVPR 2020 (MoCo).

    Args:
        temperature: :math:`\tau`, positive.
        loss_weight: :math:`\lambda`.
        batch_negatives: Whether other images' positives are negatives too.
        queue_size: How many past positives are; the loss has no memory, whoever calls it keeps them
            (``FNContra`` does).
        gather: Whether both are those of all ranks. The gradient flows back to the ranks they are
            from.

    Raises:
        ValueError: If ``temperature`` is not positive, ``queue_size`` is below 0, or there is
            nothing to gather.

    Example:
        >>> import torch
        >>> f, view, easy, hard = torch.randn(4, 8, 512)
        >>> loss = DWCLLoss()(f, view, dict(easy=easy, hard=hard), dict(easy=0.6, hard=0.1))
        >>> loss.shape
        torch.Size([])
    """

    def __init__(
        self,
        temperature: float = 0.07,
        loss_weight: float = 1.0,
        batch_negatives: bool = False,
        queue_size: int = 0,
        gather: bool = False,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature must be positive, got {temperature}')
        check_integers(0, queue_size=queue_size)
        if gather and not (batch_negatives or queue_size):
            raise ValueError(
                'gather must be False without batch_negatives=True or a queue_size: there is '
                f'nothing to gather, got {gather}'
            )
        self.temperature = temperature
        self.loss_weight = loss_weight
        self.batch_negatives = batch_negatives
        self.queue_size = queue_size
        self.gather = gather

    def forward(
        self,
        query: Tensor,
        positive: Tensor,
        negatives: Mapping[str, Tensor],
        weights: Mapping[str, float | Tensor] | Tensor,
        past: Tensor | None = None,
    ) -> Tensor:
        """Loss of a batch.

        Args:
            query: Embeddings of the images, (B, E).
            positive: Embeddings of their positive views, (B, E).
            negatives: Embeddings (B, E) of their negatives by level; K levels.
            weights: :math:`w_k` by level name, or a tensor (K,) in the order of ``negatives``.
            past: Positives of earlier batches, (Q, E), without gradient; rows of zeros are empty
                places of the queue.

        Returns:
            The loss, a scalar.
        """
        to_positive = cosine(query, positive)
        gap = (cosine_to_negatives(query, negatives) - to_positive) / self.temperature
        others = self._cosines_to_others(query, positive, past)
        if others:
            others = (torch.cat(others, dim=1) - to_positive.unsqueeze(1)) / self.temperature
            # Beside the level's own negative: where there is no other, nothing but -inf is left.
            joined = [gap.unsqueeze(2), others.expand(len(gap), -1, -1)]
            gap = torch.cat(joined, dim=2).logsumexp(dim=2)
        # -log(e^p / (e^p + e^n)) = softplus(n - p): no overflow at small temperatures.
        terms = F.softplus(gap).mean(dim=1)
        return self.loss_weight * (level_weights(negatives, weights, terms) * terms).sum()

    def _cosines_to_others(
        self, query: Tensor, positive: Tensor, past: Tensor | None
    ) -> list[Tensor]:
        """Cosines to other images, each (B, n); -inf where there is none."""
        cosines = []
        if self.batch_negatives:
            everyones = gather_embeddings(positive) if self.gather else positive
            first = first_of_rank(positive) if self.gather else 0
            own = torch.arange(len(query), device=query.device).unsqueeze(1) + first
            is_own = torch.arange(len(everyones), device=query.device) == own
            cosines.append(cosine_to_all(query, everyones).masked_fill(is_own, -math.inf))
        if past is not None:
            is_empty = (past == 0).all(dim=1)
            cosines.append(cosine_to_all(query, past).masked_fill(is_empty, -math.inf))
        return cosines
