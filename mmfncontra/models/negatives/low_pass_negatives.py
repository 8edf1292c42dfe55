"""Negatives that lack fine detail by degrees."""

import math

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_positive, check_range

from ..layers import gaussian_blur


@MODELS.register_module()
class LowPassNegatives(nn.Module):
    r"""Copies of an image through Gaussian low-passes of random width.

    The width :math:`\sigma` is drawn uniformly for each image and level. In the frequency domain
    a copy is the image times :math:`e^{-2 \pi^2 \sigma^2 |\nu|^2}`; where
    :class:`~mmfncontra.models.wavelets.FrequencyNegatives` drops orientations of detail, these drop
    high frequencies of all orientations: for restoration, results that are nearly sharp.

    Source: Wu, Jiang and Liu, A Practical Contrastive Learning Framework for Single-Image
    Super-Resolution, IEEE TNNLS 2023 (PCL-SR), hard negatives.

    Args:
        num: Copies of an image.
        sigma: Smallest and largest :math:`\sigma` in pixels, positive.

    Raises:
        ValueError: If an argument is out of range.

    Attributes:
        LEVELS: Names of the copies, ``('blur1', 'blur2', …)``; no order of difficulty.

    Example:
        >>> negatives = LowPassNegatives(num=2)(torch.rand(8, 3, 64, 64) * 2 - 1)
        >>> {name: tuple(x.shape) for name, x in negatives.items()}
        {'blur1': (8, 3, 64, 64), 'blur2': (8, 3, 64, 64)}
    """

    role = 'negatives'
    acts_on = 'images'

    def __init__(self, num: int = 3, sigma: tuple[float, float] = (0.8, 3.0)) -> None:
        super().__init__()
        check_integers(num=num)
        check_range(sigma=sigma)
        check_positive(sigma=sigma[0])
        self.sigma = tuple(sigma)
        self.radius = math.ceil(3 * sigma[1])
        self.min_size = self.radius + 1
        self.LEVELS = tuple(f'blur{i + 1}' for i in range(num))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Make the negatives of every image.

        Args:
            images: (B, C, H, W), floating point, in any range; sides longer than three times the
                largest ``sigma``.

        Returns:
            Negatives of the same shape and dtype by level.

        Raises:
            ValueError: If the images are too small.
        """
        low, high = self.sigma
        negatives = {}
        for level in self.LEVELS:
            sigma = low + (high - low) * torch.rand(len(images), device=images.device)
            negatives[level] = gaussian_blur(images, sigma, self.radius)
        return negatives

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'num={len(self.LEVELS)}, sigma={self.sigma}'
