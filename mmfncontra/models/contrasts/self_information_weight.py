"""Contrastive weights driven by self-information."""

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_interval


def self_information(mean_cosines: Tensor) -> Tensor:
    r"""Self-information of negatives.

    :math:`p_k = e^{-(1 - s_k)}`, :math:`I_k = -\log_{10} p_k = (1 - s_k) / \ln 10`.

    Args:
        mean_cosines: Mean cosine :math:`s_k` of embeddings to those of level k, (K,) in [-1, 1].

    Returns:
        :math:`I_k` in [0, 0.8686], (K,).
    """
    return (1 - mean_cosines) / math.log(10)


@MODELS.register_module()
class SelfInformationWeight(nn.Module):
    r"""One weight per level of difficulty, a moving average of its self-information.

    .. math::
        w_k \leftarrow \mu w_k + (1 - \mu) I_k

    A level that the discriminator does not yet separate (:func:`self_information` near 0) is given
    little weight. Until the first :meth:`update` the weights are ``init``; without updates they
    stay there, which is the fixed weight 0.5 of the published code.

    Source: Yang et al., Expert Systems with Applications 263, 2025 (dynamic weight).

    Args:
        momentum: :math:`\mu`, in [0, 1).
        init: Starting weight, or one for each level, such as easy, middle and hard. ``None``: 0.5,
            and the first update sets :math:`w_k = I_k`.
        levels: Number L of levels; 3 are easy, middle and hard.

    Raises:
        ValueError: If ``momentum`` is outside [0, 1), or ``init`` is negative or neither one
            number nor one for each level.

    Attributes:
        weight: The weights in the order of the levels, a buffer (L,).
    """

    role = 'weights'

    def __init__(
        self,
        momentum: float = 0.99,
        init: float | Sequence[float] | None = None,
        levels: int = 3,
    ) -> None:
        super().__init__()
        check_integers(levels=levels)
        check_interval('[0, 1)', momentum=momentum)
        values = init if isinstance(init, Sequence) else [0.5 if init is None else init]
        fits = len(values) in (1, levels)
        if not fits or not all(isinstance(value, Real) and value >= 0 for value in values):
            numbers = {1: 'one number', 3: 'one or three numbers'}
            wanted = numbers.get(levels, f'one or {levels} numbers')
            raise ValueError(f'init must be {wanted} >= 0, got {init}')
        self.momentum = momentum
        start = torch.tensor(values, dtype=torch.float32)
        self.register_buffer('weight', start.expand(levels).clone())
        # Kept on the device: the first update is chosen without a host synchronisation.
        self.register_buffer('started', torch.tensor(init is not None))

    @torch.no_grad()
    def update(self, mean_cosines: Tensor) -> Tensor:
        """Move the weights towards the self-information of this iteration.

        Args:
            mean_cosines: Mean cosine of each level, (L,) in [-1, 1]; the weight of one that is not
                finite stays as it is.

        Returns:
            The new weights, (L,).
        """
        information = self_information(mean_cosines.to(self.weight))
        average = self.momentum * self.weight + (1 - self.momentum) * information
        known = information.isfinite()
        moved = torch.where(self.started, average, information)
        self.weight.copy_(torch.where(known, moved, self.weight))
        self.started.logical_or_(known.all())
        return self.weight
