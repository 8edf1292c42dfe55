"""Corruptions of ADA: noise and cutout."""

import torch
from torch import Tensor

from .draw import Draw


def add_noise(images: Tensor, draw: Draw) -> Tensor:
    """Add white noise of a standard deviation |N(0, 0.1²)| of its own to every image.

    Args:
        images: (B, C, H, W) in [-1, 1].
        draw: The batch's draws.

    Returns:
        (B, C, H, W).
    """
    sigma = draw.applied(draw.normal(0.1).abs(), 0.0)
    return images + sigma[:, None, None, None] * torch.randn_like(images)


def cut_out(images: Tensor, draw: Draw) -> Tensor:
    """Set a square of half the image's size to 0, its centre uniform over the image.

    Args:
        images: (B, C, S, S).
        draw: The batch's draws.

    Returns:
        (B, C, S, S).
    """
    size = images.size(-1)
    half = draw.applied(torch.full_like(draw.uniform(0, 1), 0.25), 0.0)[:, None]
    pixels = (torch.arange(size, dtype=images.dtype, device=images.device) + 0.5) / size
    column, row = ((pixels - draw.uniform(0, 1)[:, None]).abs() < half for _ in range(2))
    return images.masked_fill((row[:, :, None] & column[:, None, :])[:, None], 0.0)
