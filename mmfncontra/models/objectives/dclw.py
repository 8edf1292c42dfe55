"""Decoupled contrastive learning with weighted positives."""

import math

from torch import Tensor

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_positive

from .contrastive_objective import ContrastiveObjective, log_sum
from .gather_embeddings import GatherEmbeddings


@MODELS.register_module()
class DCLW(ContrastiveObjective):
    r"""DCL in which positives that are still far weigh more.

    .. math::
        \mathrm{term}_k = -v \frac{s^+}{\tau} + \log \sum_{j \in N_k} e^{s_j/\tau}, \qquad
        v = 2 - \frac{e^{s^+/\sigma}}{\mathrm{mean}_B \, e^{s^+/\sigma}}

    Like DCL it wants many negatives. The weights v have the mean 1 over the batch, with ``gather``
    over those of all ranks, and carry no gradient; in a batch of one it is DCL.

    Source: Yeh et al., Decoupled Contrastive Learning, ECCV 2022 (arXiv 2110.06848).

    Args:
        temperature: :math:`\tau`, positive.
        sigma: :math:`\sigma`, positive; the smaller, the more the weights differ.

    Raises:
        ValueError: If ``temperature`` or ``sigma`` is not positive.

    Example:
        >>> import torch
        >>> f, view, easy = torch.eye(3, 8).unsqueeze(1)
        >>> float(DCLW(1.0)(f, view, dict(easy=easy)))
        0.0
    """

    def __init__(self, temperature: float = 0.07, sigma: float = 0.5) -> None:
        super().__init__(temperature)
        check_positive(sigma=sigma)
        self.sigma = sigma
        self._gather_all = GatherEmbeddings()

    def contrast(self, to_positive: Tensor, own: Tensor | None, others: Tensor | None) -> Tensor:
        """See :meth:`ContrastiveObjective.contrast`."""
        exponent = to_positive.detach() / self.sigma
        everyones = self._gather_all(exponent.unsqueeze(1)) if self.gather else exponent
        log_mean = everyones.logsumexp(dim=0) - math.log(len(everyones))
        weight = 2 - (exponent - log_mean).exp()
        return log_sum(own, others) + (1 - weight) * to_positive / self.temperature

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'{super().extra_repr()}, sigma={self.sigma}'
