"""Bicubic upsampling: the row that every network has to beat, and a negative of the contrast."""

import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn


def upsample(images: Tensor, scale: int) -> Tensor:
    """Enlarge images by bicubic interpolation.

    Args:
        images: (B, C, h, w), floating point, in any range.
        scale: How many times.

    Returns:
        (B, C, h·scale, w·scale).
    """
    # Only with antialias=True does torch take the kernel of MATLAB (a = -0.5) and not a = -0.75.
    return F.interpolate(images, scale_factor=scale, mode='bicubic', antialias=True)


@MODELS.register_module()
class BicubicUpsampling(nn.Module):
    """A generator without parameters, for mmagic's ``BaseEditModel``.

    Args:
        upscale_factor: How many times larger the output is.
    """

    def __init__(self, upscale_factor: int = 4) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, images: Tensor) -> Tensor:
        """Enlarge the images (B, C, h, w)."""
        return upsample(images, self.upscale_factor)
