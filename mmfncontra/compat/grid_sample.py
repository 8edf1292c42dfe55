"""Double backward of bilinear sampling, which torch up to 2.11 lacks."""

from typing import Any

import torch
from torch import Tensor

# Bilinear, zeros outside, pixel centres between the corners -1 and 1.
_MODES = (0, 0, False)


def grid_sample(images: Tensor, grid: Tensor) -> Tensor:
    """Sample images bilinearly at given places, differentiable twice in the images.

    The numbers of ``torch.nn.functional.grid_sample(images, grid, align_corners=False)``, whose
    second derivative torch does not have (``derivative for aten::grid_sampler_2d_backward is not
    implemented``, torch 1.11 to at least 2.11). A gradient penalty on images before an augmentation
    needs it. Sampling is linear in the images: its backward pass distributes a gradient with the
    same weights, and the backward pass of that is the sampling again, so that any order of
    derivatives exists.

    Args:
        images: (B, C, H, W), floating point.
        grid: (B, H', W', 2), x and y in [-1, 1] from edge to edge of the images, of the images'
            dtype and without gradient; 0 is read outside.

    Returns:
        (B, C, H', W').

    Raises:
        ValueError: If ``grid`` requires a gradient, which is not computed here, or shapes or
            dtypes do not fit.

    Example:
        >>> images = torch.arange(4.0).view(1, 1, 2, 2)
        >>> grid_sample(images, torch.zeros(1, 1, 1, 2)).item()
        1.5
    """
    if grid.requires_grad:
        raise ValueError(
            'grid must not require a gradient: only the images have one here; pass grid.detach()'
        )
    fits = images.ndim == 4 and grid.ndim == 4 and grid.shape[::3] == (len(images), 2)
    if not fits or images.dtype != grid.dtype:
        raise ValueError(
            'images must be (B, C, H, W) and grid (B, H2, W2, 2) of the same dtype, got '
            f'{tuple(images.shape)} {images.dtype} and {tuple(grid.shape)} {grid.dtype}'
        )
    return _Sample.apply(images, grid)


class _Sample(torch.autograd.Function):
    """Gather: an output pixel is the weighted sum of four image pixels."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = images.shape
        return torch.ops.aten.grid_sampler_2d(images, grid, *_MODES)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Distribute.apply(grad, grid, ctx.shape), None


def _distribute(grad: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
    """The same by one sum for each corner: torch's own adds in an order of chance on a GPU."""
    batch, channels, height, width = shape
    total = grad.new_zeros(batch, channels, height * width)
    # Places in pixels; the pixel to the left and above, and how far beyond it the place is.
    x, y = (((grid[..., i] + 1) * size - 1) / 2 for i, size in enumerate((width, height)))
    left, above = x.floor(), y.floor()
    for row, in_row in ((above, above + 1 - y), (above + 1, y - above)):
        for column, in_column in ((left, left + 1 - x), (left + 1, x - left)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = torch.where(inside, row * width + column, 0).long()
            part = grad * torch.where(inside, in_row * in_column, 0).unsqueeze(1)
            total.scatter_add_(
                2, index.flatten(1).unsqueeze(1).expand(-1, channels, -1), part.flatten(2)
            )
    return total.view(shape)


class _Distribute(torch.autograd.Function):
    """The transpose: an output pixel's gradient goes back to its four image pixels."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        if torch.are_deterministic_algorithms_enabled():
            return _distribute(grad, grid, shape)
        # Of the images only the shape matters for their own gradient.
        return torch.ops.aten.grid_sampler_2d_backward(
            grad, grad.new_empty(shape), grid, *_MODES, [True, False]
        )[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(grad, grid), None, None
