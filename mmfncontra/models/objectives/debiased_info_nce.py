"""InfoNCE that reckons with other images of the same kind among the negatives."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval, check_not_negative

from .contrastive_objective import ContrastiveObjective, log_or_minus_infinity, log_sum


@MODELS.register_module()
class DebiasedInfoNCE(ContrastiveObjective):
    r"""InfoNCE corrected for false negatives, with more weight on hard negatives if wanted.

    Of the N other images some are of the query's own kind. If :math:`\tau^+` of all images are,
    what true negatives would add to the denominator is estimated as N G,

    .. math::
        G = \max\left( \frac{M - \tau^+ e^{s^+/\tau}}{1 - \tau^+}, \, e^{-1/\tau} \right), \qquad
        M = \frac{\sum_j v_j e^{s_j/\tau}}{\sum_j v_j}, \quad v_j = e^{\beta s_j/\tau},

    and with O_k the query's own negatives, degraded copies that can be no false ones,

    .. math::
        \mathrm{term}_k = -\log \frac{e^{s^+/\tau}}
            {e^{s^+/\tau} + \sum_{j \in O_k} e^{s_j/\tau} + N G}.

    Together with :class:`~mmfncontra.models.negatives.SyntheticNegatives` it is SSCL.

    Source: Chuang et al., Debiased Contrastive Learning, NeurIPS 2020; the hardness: Robinson et
    al., Contrastive Learning with Hard Negative Samples, ICLR 2021.

    Args:
        temperature: :math:`\tau`, positive.
        class_prior: :math:`\tau^+`, in [0, 1): how likely another image is of the same kind. Of
            images that are all of one kind it says how many are too alike to be told apart.
        hardness: :math:`\beta`, 0 or more; 0 weighs all negatives alike.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> f, view = torch.randn(2, 4, 8)
        >>> is_other = ~torch.eye(4, dtype=torch.bool)
        >>> DebiasedInfoNCE(0.5)(f, view, others=view, is_other=is_other).shape
        torch.Size([])
    """

    needs_others = True

    def __init__(
        self, temperature: float = 0.07, class_prior: float = 0.1, hardness: float = 0.0
    ) -> None:
        super().__init__(temperature)
        check_interval('[0, 1)', class_prior=class_prior)
        check_not_negative(hardness=hardness)
        self.class_prior = class_prior
        self.hardness = hardness

    def contrast(self, to_positive: Tensor, own: Tensor | None, others: Tensor) -> Tensor:
        """See :meth:`ContrastiveObjective.contrast`."""
        corrected = self._log_corrected_sum(to_positive, others).unsqueeze(1)
        return F.softplus(log_sum(own, corrected))

    def _log_corrected_sum(self, to_positive: Tensor, others: Tensor) -> Tensor:
        """log(N G) - s⁺/τ, (B,): all in logarithms, for e^(2/τ) overflows at small temperatures."""
        is_negative = ~others.isneginf()
        count = is_negative.sum(dim=1)
        # Queries without a negative are computed with one that is not there, and left out below.
        others = others.masked_fill((count == 0).unsqueeze(1), 0.0)
        if self.hardness:
            log_mean = ((self.hardness * others).log_softmax(1) + others).logsumexp(1)
        else:
            log_mean = others.logsumexp(1) - count.clamp(min=1).to(others).log()
        excess = log_or_minus_infinity(self.class_prior) - log_mean
        # log(M - τ⁺ e^p) where it is positive. The clamp keeps the branch not taken, and with it
        # its gradient, finite.
        difference = log_mean + (-torch.expm1(excess.clamp(max=-1e-6))).log()
        difference = difference.masked_fill(excess > -1e-6, -torch.inf)
        difference = difference - log_or_minus_infinity(1 - self.class_prior)
        floor = (-1 - to_positive) / self.temperature
        log_sum = torch.maximum(difference, floor) + count.clamp(min=1).to(others).log()
        return log_sum.masked_fill(count == 0, -torch.inf)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'{super().extra_repr()}, class_prior={self.class_prior}, hardness={self.hardness}'
