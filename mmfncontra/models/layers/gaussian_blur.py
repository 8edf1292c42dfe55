"""Gaussian low-pass of images, each with a width of its own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmfncontra.utils.precision import widen, without_autocast


def gaussian_blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    r"""Blur each image by a Gaussian.

    The kernel :math:`e^{-r^2 / 2\sigma^2}`, cut off at ``radius`` and made to sum to 1, runs along
    rows and columns; beyond the border images continue as their mirror image.

    Args:
        images: (B, C, H, W), floating point; sides longer than ``radius``.
        sigma: Standard deviation in pixels, positive, (B,).
        radius: Of the kernel, in pixels; three times the largest ``sigma`` leaves little out.

    Returns:
        The blurred images, of the same shape and dtype.

    Raises:
        ValueError: If a side is not longer than ``radius``.
    """
    batch, channels, height, width = images.shape
    if min(height, width) <= radius:
        raise ValueError(
            f'images of {height}x{width} are too small to be blurred: each side must be longer '
            f'than the radius of the kernel, {radius} (three times the largest sigma)'
        )
    # Every channel of every image is a group with its own kernel.
    planes = widen(images).reshape(1, batch * channels, height, width)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=planes.dtype)
    kernel = torch.softmax(-0.5 * (offsets / sigma.to(planes).unsqueeze(1)) ** 2, dim=1)
    kernel = kernel.repeat_interleave(channels, 0, output_size=batch * channels).unsqueeze(1)
    with without_autocast(images.device):
        for weight, padding in (
            (kernel.unsqueeze(2), (radius, radius, 0, 0)),
            (kernel.unsqueeze(3), (0, 0, radius, radius)),
        ):
            planes = F.conv2d(F.pad(planes, padding, 'reflect'), weight, groups=len(weight))
    return planes.view(images.shape).to(images.dtype)
