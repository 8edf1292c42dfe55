"""A positive view with more of the fine detail."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_positive, check_range

from ..layers import gaussian_blur


@MODELS.register_module()
class HighBoostView(nn.Module):
    r"""Sharpened images: their high frequencies amplified.

    .. math::
        x^+ = x + a \, (x - G_\sigma * x), \qquad a \sim U(a_0, a_1)

    with a Gaussian :math:`G_\sigma` and an amount a drawn for each image. The opposite of what
    :class:`~mmfncontra.models.negatives.LowPassNegatives` do to it.

    Source: Wu, Jiang and Liu, A Practical Contrastive Learning Framework for Single-Image
    Super-Resolution, IEEE TNNLS 2023 (PCL-SR), informative positives.

    Args:
        amount: Smallest and largest a, 0 or more.
        sigma: :math:`\sigma` in pixels, positive.
        limits: Range of values that the result is clamped to; ``None``: it is not.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> HighBoostView()(torch.zeros(1, 3, 16, 16)).abs().max().item()
        0.0
    """

    role = 'view'
    acts_on = 'images'

    def __init__(
        self,
        amount: tuple[float, float] = (0.5, 2.0),
        sigma: float = 1.0,
        limits: Sequence[float] | None = (-1.0, 1.0),
    ) -> None:
        super().__init__()
        check_range(0, amount=amount)
        if not amount[1] > 0:
            raise ValueError(f'amount must reach above 0, where nothing is sharpened, got {amount}')
        check_positive(sigma=sigma)
        if limits is not None:
            check_range(limits=limits)
            if limits[0] == limits[1]:
                raise ValueError(f'limits must leave a range of values, got {limits}')
        self.amount = tuple(amount)
        self.sigma = sigma
        self.limits = None if limits is None else tuple(limits)
        self.radius = math.ceil(3 * sigma)
        self.min_size = self.radius + 1

    def forward(self, images: Tensor) -> Tensor:
        """A view of the images.

        Args:
            images: (B, C, H, W), floating point; sides longer than three times ``sigma``.

        Returns:
            The view, of the same shape and dtype.

        Raises:
            ValueError: If the images are too small.
        """
        low, high = self.amount
        amount = low + (high - low) * torch.rand(len(images), 1, 1, 1, device=images.device)
        sigma = torch.full((len(images),), self.sigma, device=images.device)
        detail = images - gaussian_blur(images, sigma, self.radius)
        boosted = torch.addcmul(images, amount.to(images.dtype), detail)
        return boosted if self.limits is None else boosted.clamp(*self.limits)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'amount={self.amount}, sigma={self.sigma}, limits={self.limits}'
