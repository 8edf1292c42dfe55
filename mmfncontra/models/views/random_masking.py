"""A positive view that lacks parts of the image."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_interval


@MODELS.register_module()
class RandomMasking(nn.Module):
    """Images of which random blocks are lost.

    A grid of ``blocks`` × ``blocks`` rectangles lies over each image; a fixed number of them,
    ``ratio`` of all, drawn for each image, is set to ``fill``. What is left has to do for the
    embedding: it cannot rest on one place.

    Source: Li and Yin, Random image masking and in-batch feature mixing for self-supervised
    learning, Expert Systems with Applications 264, 2025, 125898.

    Args:
        ratio: Share of the blocks that is lost, in (0, 1).
        blocks: Blocks along a side.
        fill: Value of lost pixels; 0 is mid grey for images in [-1, 1].

    Raises:
        ValueError: If an argument is out of range, or so that no block or every block is lost.

    Example:
        >>> view = RandomMasking(ratio=0.25, blocks=4)(torch.ones(2, 3, 64, 64))
        >>> view.mean().item()
        0.75
    """

    role = 'view'
    acts_on = 'images'

    def __init__(self, ratio: float = 0.3, blocks: int = 8, fill: float = 0.0) -> None:
        super().__init__()
        check_interval('(0, 1)', ratio=ratio)
        check_integers(blocks=blocks)
        self.num_lost = round(ratio * blocks**2)
        if not 0 < self.num_lost < blocks**2:
            raise ValueError(
                f'ratio={ratio} of {blocks}x{blocks} blocks is {self.num_lost} blocks; some must '
                'be lost and some be left: take more blocks or another ratio'
            )
        if not isinstance(fill, int | float) or not math.isfinite(fill):
            raise ValueError(f'fill must be a number, got {fill!r}')
        self.min_size = blocks
        self.ratio = ratio
        self.blocks = blocks
        self.fill = fill

    def forward(self, images: Tensor) -> Tensor:
        """A view of the images.

        Args:
            images: (B, C, H, W), H and W at least ``blocks``.

        Returns:
            The view, of the same shape.

        Raises:
            ValueError: If there are more blocks along a side than pixels.
        """
        size = images.shape[-2:]
        if min(size) < self.blocks:
            raise ValueError(
                f'blocks must be at most the side of the images, {min(size)}, got {self.blocks}'
            )
        order = torch.rand(len(images), self.blocks**2, device=images.device).argsort(dim=1)
        lost = (order < self.num_lost).view(-1, 1, self.blocks, self.blocks)
        lost = F.interpolate(lost.to(images.dtype), tuple(size), mode='nearest') > 0.5
        return images.masked_fill(lost, self.fill)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'ratio={self.ratio}, blocks={self.blocks}, fill={self.fill}'
