"""Discriminated wavelet-instance contrastive loss."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS

from .similarity import cosine, cosine_to_negatives, level_weights


@MODELS.register_module()
class DWCLLoss(nn.Module):
    r"""Pull an image's embedding to its positive view and away from its degraded copies.

    With :math:`\tau` the temperature, :math:`f^+` the positive and :math:`f_k` the one negative of
    level k,

    .. math::
        \mathrm{NCE}(f, f^+, f_k) = -\log \frac{e^{\cos(f, f^+)/\tau}}
            {e^{\cos(f, f^+)/\tau} + e^{\cos(f, f_k)/\tau}}, \qquad
        L = \lambda \sum_k w_k \, \mathrm{mean}_B \, \mathrm{NCE}(f, f^+, f_k).

    Source: Yang et al., Expert Systems with Applications 263, 2025 (DWCL).

    Args:
        temperature: :math:`\tau`, positive.
        loss_weight: :math:`\lambda`.

    Raises:
        ValueError: If ``temperature`` is not positive.

    Example:
        >>> import torch
        >>> f, view, easy, hard = torch.randn(4, 8, 512)
        >>> loss = DWCLLoss()(f, view, dict(easy=easy, hard=hard), dict(easy=0.6, hard=0.1))
        >>> loss.shape
        torch.Size([])
    """

    def __init__(self, temperature: float = 0.07, loss_weight: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature must be positive, got {temperature}')
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(
        self,
        query: Tensor,
        positive: Tensor,
        negatives: Mapping[str, Tensor],
        weights: Mapping[str, float | Tensor] | Tensor,
    ) -> Tensor:
        """Loss of a batch.

        Args:
            query: Embeddings of the images, (B, E).
            positive: Embeddings of their positive views, (B, E).
            negatives: Embeddings (B, E) of their negatives by level; K levels.
            weights: :math:`w_k` by level name, or a tensor (K,) in the order of ``negatives``.

        Returns:
            The loss, a scalar.
        """
        # -log(e^p / (e^p + e^n)) = softplus(n - p): no overflow at small temperatures.
        gap = cosine_to_negatives(query, negatives) - cosine(query, positive)
        terms = F.softplus(gap / self.temperature).mean(dim=1)
        return self.loss_weight * (level_weights(negatives, weights, terms) * terms).sum()
