"""Adaptive pseudo augmentation: generated images among the real ones."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval

from ..layers import AdaptiveStrength
from ..network_facts import full_size


@MODELS.register_module()
class APA(nn.Module):
    r"""Show the discriminator some generated images as real ones, the more it overfits the more.

    Each real image is replaced with probability p,

    .. math::
        x_b \leftarrow (1 - m_b)\, x_b + m_b\, G(z)_b, \qquad m_b \sim \mathrm{Bernoulli}(p),

    and p rises while :math:`\lambda_r = E[\operatorname{sign} D(x)]` is above the target and falls
    otherwise, see :class:`~mmfncontra.models.layers.adaptive_strength.AdaptiveStrength`.

    Source: Jiang et al., NeurIPS 2021, arXiv 2111.06849.

    Args:
        target: Threshold of :math:`\lambda_r`, in (-1, 1).
        kimg: Thousands of images over which p can rise from 0 to 1.
        interval: Iterations between two updates of p.
        maximum: Largest p, in (0, 1): some images must stay real.
        initial: p at the start, in [0, ``maximum``].

    Attributes:
        strength: The adaptive strength; its ``value`` is p, a buffer ().

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> mix = APA(initial=0.5)(torch.ones(1000, 1, 1, 1), torch.zeros(1000, 1, 1, 1))
        >>> 400 < mix.sum().item() < 600
        True
    """

    def __init__(
        self,
        target: float = 0.6,
        kimg: float = 500.0,
        interval: int = 4,
        maximum: float = 0.8,
        initial: float = 0.0,
    ) -> None:
        super().__init__()
        check_interval('(0, 1)', maximum=maximum)
        self.strength = AdaptiveStrength(
            target, kimg=kimg, maximum=maximum, initial=initial, interval=interval
        )

    def forward(self, real: Tensor, fake: Tensor | Sequence[Tensor]) -> Tensor:
        """Real images, some of them generated.

        Args:
            real: Real images, (B, C, S, S) in [-1, 1].
            fake: As many generated ones of the same shape, or a list of which the first is that.

        Returns:
            The mixture, of the shape and dtype of ``real``; no gradient reaches ``fake``.

        Raises:
            ValueError: If the shapes differ.
        """
        fake = full_size(fake)
        if fake.shape != real.shape:
            raise ValueError(
                f'fake must have the shape {tuple(real.shape)} of real, got {tuple(fake.shape)}'
            )
        replaced = torch.rand(len(real), 1, 1, 1, device=real.device) < self.strength.value
        return torch.where(replaced, fake.detach().to(real.dtype), real)

    def observe(self, sign_mean: Tensor, num_images: int) -> dict[str, Tensor]:
        """Adapt p after a discriminator step.

        Args:
            sign_mean: Mean sign of the logits of real images, (); the same on every rank.
            num_images: Real images behind it, those of all ranks.

        Returns:
            ``p_apa`` to log, the new p.
        """
        self.strength.observe(sign_mean, num_images)
        return dict(p_apa=self.strength.value.detach().clone())
