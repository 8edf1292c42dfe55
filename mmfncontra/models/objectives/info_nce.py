"""InfoNCE."""

import torch.nn.functional as F
from torch import Tensor

from mmfncontra.registry import MODELS

from .contrastive_objective import ContrastiveObjective, log_sum


@MODELS.register_module()
class InfoNCE(ContrastiveObjective):
    r"""Cross entropy of picking the positive from among the negatives.

    .. math::
        \mathrm{term}_k = -\log \frac{e^{s^+/\tau}}{e^{s^+/\tau} + \sum_{j \in N_k} e^{s_j/\tau}}

    with s the cosines of the query to its positive and to its negatives. With one negative a level
    it is the NCE of FNContra.

    Source: van den Oord et al., arXiv 1807.03748, 2018; Chen et al., ICML 2020 (SimCLR).

    Args:
        temperature: :math:`\tau`, positive.

    Raises:
        ValueError: If ``temperature`` is not positive.

    Example:
        >>> import torch
        >>> f, view, easy = torch.eye(3, 8).unsqueeze(1)
        >>> round(float(InfoNCE(1.0)(f, view, dict(easy=easy))), 4)  # log 2: both are as far
        0.6931
    """

    def contrast(self, to_positive: Tensor, own: Tensor | None, others: Tensor | None) -> Tensor:
        """See :meth:`ContrastiveObjective.contrast`."""
        # -log(e^p / (e^p + e^n)) = softplus(n - p): no overflow at small temperatures.
        return F.softplus(log_sum(own, others))
