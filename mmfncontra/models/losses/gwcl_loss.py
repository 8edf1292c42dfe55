"""Generated wavelet-prototype contrastive loss."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval, check_not_negative
from mmfncontra.utils.precision import widen

from ..objectives.similarity import level_weights


def prototype_distance(a: Sequence[Tensor], b: Sequence[Tensor], decay: float = 0.5) -> Tensor:
    r"""Distance of two sets of wavelet prototypes.

    :math:`d(a, b) = \sum_i \mathrm{decay}^i \, \mathrm{mean}_{B, h_i}
    \lVert a_i - b_i + \varepsilon \rVert_2`, the norm taken along the last axis,
    :math:`\varepsilon = 10^{-6}`.

    Args:
        a: Prototypes, shallow to deep, each (B, h_i, w_i).
        b: Prototypes of the same shapes, or n sets of them, each (n, B, h_i, w_i).
        decay: Factor from one map to the next deeper one.

    Returns:
        The distance, a scalar; those to the n sets, (n,).

    Raises:
        ValueError: If the two do not hold equally many maps.
    """
    if len(a) != len(b):
        raise ValueError(f'prototypes of {len(a)} and of {len(b)} maps cannot be compared')
    return sum(
        decay**i * F.pairwise_distance(widen(p), widen(q), eps=1e-6).mean((-2, -1))
        for i, (p, q) in enumerate(zip(a, b, strict=True))
    )


@MODELS.register_module()
class GWCLLoss(nn.Module):
    r"""Keep generated prototypes nearer to real ones than to those of the negatives.

    .. math::
        L = \lambda \sum_k \max(0, d(\mathrm{fake}, \mathrm{real})
            - d(\mathrm{fake}, \mathrm{neg}_k) + w_k)

    with :func:`prototype_distance` d; the margin of a level is its contrastive weight
    :math:`w_k`.

    Source: Yang et al., Expert Systems with Applications 263, 2025 (GWCL).

    Args:
        loss_weight: :math:`\lambda`, 0 or more.
        decay: Factor of the distance from one map to the next deeper one, in (0, 1].

    Raises:
        ValueError: If ``loss_weight`` is negative or ``decay`` is outside (0, 1].

    Example:
        >>> import torch
        >>> fake, real, easy = ([torch.randn(4, 16, 16), torch.randn(4, 8, 8)] for _ in range(3))
        >>> GWCLLoss()(fake, real, dict(easy=easy), dict(easy=0.5)).shape
        torch.Size([])
    """

    role = 'gwcl'

    def __init__(self, loss_weight: float = 0.1, decay: float = 0.5) -> None:
        super().__init__()
        check_not_negative(loss_weight=loss_weight)
        check_interval('(0, 1]', decay=decay)
        self.loss_weight = loss_weight
        self.decay = decay

    def forward(
        self,
        fake: Sequence[Tensor],
        real: Sequence[Tensor],
        negatives: Mapping[str, Sequence[Tensor]],
        weights: Mapping[str, float | Tensor] | Tensor,
    ) -> Tensor:
        """Loss of a batch.

        Args:
            fake: Prototypes of generated images, shallow to deep, each (B, h_i, w_i).
            real: Prototypes of real images, same shapes.
            negatives: Prototypes of the negatives by level, same shapes; K levels.
            weights: Margins by level name, or a tensor (K,) in the order of ``negatives``.

        Returns:
            The loss, a scalar.
        """
        sets = [torch.stack(maps) for maps in zip(real, *negatives.values(), strict=True)]
        distances = prototype_distance(fake, sets, self.decay)
        to_real, to_negatives = distances[0], distances[1:]
        margins = level_weights(negatives, weights, to_real)
        return self.loss_weight * F.relu(to_real - to_negatives + margins).sum()
