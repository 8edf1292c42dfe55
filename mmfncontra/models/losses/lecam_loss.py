"""LeCam regularisation of the discriminator's outputs."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_interval, check_not_negative
from mmfncontra.utils.precision import widen


@MODELS.register_module()
class LeCamLoss(nn.Module):
    r"""Draw the logits of real images to the past logits of generated ones, and the reverse.

    With moving averages of the logits of all ranks, updated with this batch before they are used,
    and set to its means in the first call,

    .. math::
        \alpha_R \leftarrow \mu \alpha_R + (1 - \mu) E[D(x)], \qquad
        \alpha_F \leftarrow \mu \alpha_F + (1 - \mu) E[D(G(z))],

    .. math::
        L = \lambda \left( E[(D(x) - \alpha_F)^2] + E[(D(G(z)) - \alpha_R)^2] \right).

    Source: Tseng et al., CVPR 2021, arXiv 2104.03310.

    Args:
        loss_weight: :math:`\lambda`.
        decay: :math:`\mu`, in [0, 1).
        warmup: Calls in which the averages form and the loss is 0.

    Attributes:
        alpha_real: :math:`\alpha_R`, a buffer ().
        alpha_fake: :math:`\alpha_F`, a buffer ().
        count: Calls so far, a buffer ().

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> loss = LeCamLoss(loss_weight=1.0, warmup=0)
        >>> loss(real_logits=torch.ones(4, 1), fake_logits=-torch.ones(4, 1)).item()
        8.0
    """

    inputs = ('real_logits', 'fake_logits')

    def __init__(self, loss_weight: float = 0.3, decay: float = 0.99, warmup: int = 1000) -> None:
        super().__init__()
        check_not_negative(loss_weight=loss_weight)
        check_interval('[0, 1)', decay=decay)
        check_integers(0, warmup=warmup)
        self.loss_weight = loss_weight
        self.decay = decay
        self.warmup = warmup
        self.register_buffer('alpha_real', torch.zeros(()))
        self.register_buffer('alpha_fake', torch.zeros(()))
        self.register_buffer('count', torch.zeros((), dtype=torch.long))

    def forward(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            real_logits: Logits of real images, any shape.
            fake_logits: Logits of generated images, any shape.

        Returns:
            The loss, a scalar; 0 during the warm-up.
        """
        real, fake = widen(real_logits), widen(fake_logits)
        self._update(real, fake)
        distance = (real - self.alpha_fake).square().mean()
        distance = distance + (fake - self.alpha_real).square().mean()
        # Decided on the device: a step needs no host synchronisation.
        return self.loss_weight * (self.count > self.warmup) * distance

    @torch.no_grad()
    def _update(self, real: Tensor, fake: Tensor) -> None:
        means = torch.stack([real.mean(), fake.mean()])
        all_reduce(means, op='mean')
        for alpha, mean in zip((self.alpha_real, self.alpha_fake), means, strict=True):
            average = self.decay * alpha + (1 - self.decay) * mean
            alpha.copy_(torch.where(self.count == 0, mean, average))
        self.count += 1
