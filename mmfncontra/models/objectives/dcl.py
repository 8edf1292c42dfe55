"""Decoupled contrastive learning."""

from torch import Tensor

from mmfncontra.registry import MODELS

from .contrastive_objective import ContrastiveObjective, log_sum


@MODELS.register_module()
class DCL(ContrastiveObjective):
    r"""InfoNCE whose denominator the positive has left.

    .. math::
        \mathrm{term}_k = -\frac{s^+}{\tau} + \log \sum_{j \in N_k} e^{s_j/\tau}

    In InfoNCE the gradient of all negatives shrinks where the positive is already near; here it
    does not, which helps small batches. It wants many negatives: with a single one the term is the
    difference of two cosines, whose gradient is the same wherever they are. The term can be
    negative, down to :math:`\log |N_k| - 2/\tau`.

    Source: Yeh et al., Decoupled Contrastive Learning, ECCV 2022 (arXiv 2110.06848).

    Args:
        temperature: :math:`\tau`, positive.

    Raises:
        ValueError: If ``temperature`` is not positive.

    Example:
        >>> import torch
        >>> f, view, easy = torch.eye(3, 8).unsqueeze(1)
        >>> float(DCL(1.0)(f, view, dict(easy=easy)))
        0.0
    """

    def contrast(self, to_positive: Tensor, own: Tensor | None, others: Tensor | None) -> Tensor:
        """See :meth:`ContrastiveObjective.contrast`."""
        return log_sum(own, others)
