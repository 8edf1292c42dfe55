"""Negatives mixed from the hardest ones."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.precision import widen

from ..objectives import cosine_to_others


@MODELS.register_module()
class SyntheticNegatives(nn.Module):
    r"""Harder negatives of a query, on the arcs between those of other images nearest to it.

    .. math::
        h = \frac{\tilde h}{\lVert \tilde h \rVert}, \qquad
        \tilde h = \alpha \, n_i + (1 - \alpha) \, n_j, \quad \alpha \sim U(0, 1),

    with :math:`n_i \neq n_j` drawn uniformly from the ``hardest`` unit-length embeddings of other
    images by their cosine to the query. They join these in the denominator. In SSCL the objective
    is :class:`~mmfncontra.models.losses.DebiasedInfoNCE`, whose ``hardness`` samples negatives by
    their contrast with the query and whose ``class_prior`` corrects for false ones.

    Source: Dong et al., Synthetic Hard Negative Samples for Contrastive Learning, Neural
    Processing Letters 56, 2024 (SSCL); mixes of two: Kalantidis et al., NeurIPS 2020.

    Args:
        num: Mixes for each query.
        hardest: How many of the nearest embeddings they are drawn from, at least 2.

    Raises:
        ValueError: If a number is too small.

    Example:
        >>> query, others = torch.randn(4, 8), torch.randn(16, 8)
        >>> SyntheticNegatives(num=5)(query, others).shape
        torch.Size([4, 5, 8])
    """

    role = 'negatives'
    acts_on = 'embeddings'
    needs_others = True

    def __init__(self, num: int = 32, hardest: int = 64) -> None:
        super().__init__()
        check_integers(num=num)
        check_integers(2, hardest=hardest)
        self.num = num
        self.hardest = hardest

    def forward(self, query: Tensor, others: Tensor, is_other: Tensor | None = None) -> Tensor:
        """Mix the negatives of a batch.

        Args:
            query: Embeddings, (B, E).
            others: Embeddings of other images, (N, E), or each query's own selection, (B, N, E);
                rows of zeros are empty places.
            is_other: Which are negatives of which query, (B, N) bool; ``None``: all.

        Returns:
            Mixes of unit length, (B, num, E), with the gradient of ``others``; zeros for a query
            that has fewer than two others.
        """
        if others.size(-2) == 0:
            return query.new_zeros(len(query), self.num, query.size(1))
        similarity = cosine_to_others(query.detach(), others.detach(), is_other)
        nearest = similarity.topk(min(self.hardest, similarity.size(1)), dim=1)
        count = nearest.values.isfinite().sum(dim=1, keepdim=True)
        one, step, share = torch.rand(3, len(query), self.num, device=query.device)
        one = self._index(one, count)
        two = (one + 1 + self._index(step, count - 1)) % count.clamp(min=1)
        units = F.normalize(widen(others), dim=-1)
        pair = [self._take(units, nearest.indices.gather(1, each)) for each in (one, two)]
        mixes = F.normalize(torch.lerp(*pair, share.unsqueeze(2).to(units)), dim=-1)
        return mixes.masked_fill((count < 2).unsqueeze(2), 0.0)

    @staticmethod
    def _index(uniform: Tensor, count: Tensor) -> Tensor:
        """Whole numbers from 0 to below ``count``, 0 where it is not positive."""
        # Of a large count, uniform * count may be rounded up to it.
        return (uniform * count).long().clamp(min=0).minimum((count - 1).clamp(min=0))

    @staticmethod
    def _take(rows: Tensor, index: Tensor) -> Tensor:
        """Rows (N, E) or (B, N, E) at (B, M), as (B, M, E)."""
        if rows.ndim == 2:
            return rows[index]
        return rows.gather(1, index.unsqueeze(2).expand(-1, -1, rows.size(2)))

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'num={self.num}, hardest={self.hardest}'
