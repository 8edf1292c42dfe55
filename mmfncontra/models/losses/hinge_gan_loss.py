"""Hinge loss with label-smoothed margins."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_positive, check_range
from mmfncontra.utils.precision import widen


@MODELS.register_module()
class HingeGANLoss(nn.Module):
    r"""Hinge adversarial loss whose margin is drawn anew for every logit.

    .. math::
        L_D = E[\max(0, u - D(x))] + E[\max(0, u + D(G(z)))], \qquad L_G = -E[D(G(z))],
        \qquad u \sim U(m_0, m_1).

    Source: Liu et al., ICLR 2021 (FastGAN) for the smoothed margins; Lim & Ye 2017 for the hinge.

    Args:
        margin: :math:`(m_0, m_1)`; equal ends give the plain hinge.

    Raises:
        ValueError: If ``margin`` is not an ordered pair of positive numbers.

    Example:
        >>> import torch
        >>> loss = HingeGANLoss()
        >>> sorted(loss.disc_loss(torch.randn(8, 50), torch.randn(8, 50)))
        ['loss_fake', 'loss_real']
    """

    def __init__(self, margin: tuple[float, float] = (0.8, 1.0)) -> None:
        super().__init__()
        check_range(margin=margin)
        check_positive(margin=margin[0])
        self.margin = tuple(margin)

    def disc_loss(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Discriminator's loss.

        Args:
            real: Logits of real images, any shape.
            fake: Logits of generated images, any shape.

        Returns:
            ``loss_real`` and ``loss_fake``, scalars.
        """
        real, fake = widen(real), widen(fake)
        return dict(
            loss_real=F.relu(self._margins(real) - real).mean(),
            loss_fake=F.relu(self._margins(fake) + fake).mean(),
        )

    def gen_loss(self, fake: Tensor) -> dict[str, Tensor]:
        """Generator's loss.

        Args:
            fake: Logits of generated images, any shape.

        Returns:
            ``loss_adv``, a scalar.
        """
        return dict(loss_adv=-widen(fake).mean())

    def _margins(self, logits: Tensor) -> Tensor:
        low, high = self.margin
        return low + (high - low) * torch.rand_like(logits)
