"""Non-saturating logistic loss."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.precision import widen


@MODELS.register_module()
class LogisticGANLoss(nn.Module):
    r"""Logistic adversarial loss, non-saturating in the generator.

    With :math:`\mathrm{softplus}(t) = \log(1 + e^t)`,

    .. math::
        L_D = E[\mathrm{softplus}(-D(x))] + E[\mathrm{softplus}(D(G(z)))], \qquad
        L_G = E[\mathrm{softplus}(-D(G(z)))].

    Source: Goodfellow et al., NeurIPS 2014, arXiv 1406.2661, §3; the loss of StyleGAN2.

    Example:
        >>> import torch
        >>> loss = LogisticGANLoss()
        >>> round(loss.gen_loss(torch.zeros(8, 1))['loss_adv'].item(), 4)
        0.6931
    """

    def disc_loss(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Discriminator's loss.

        Args:
            real: Logits of real images, any shape.
            fake: Logits of generated images, any shape.

        Returns:
            ``loss_real`` and ``loss_fake``, scalars.
        """
        return dict(
            loss_real=F.softplus(-widen(real)).mean(),
            loss_fake=F.softplus(widen(fake)).mean(),
        )

    def gen_loss(self, fake: Tensor) -> dict[str, Tensor]:
        """Generator's loss.

        Args:
            fake: Logits of generated images, any shape.

        Returns:
            ``loss_adv``, a scalar.
        """
        return dict(loss_adv=F.softplus(-widen(fake)).mean())
