"""Pooling of a map into equal parts."""

from torch import Tensor, nn
from torch.nn import functional as F


class EvenAvgPool2d(nn.AdaptiveAvgPool2d):
    """``nn.AdaptiveAvgPool2d`` whose gradient is the same in every run, on a GPU too.

    Where the side of a map is a multiple of the target's, the parts are equal and do not overlap:
    that is an ordinary average pooling, of the same values to the bit on a CPU. Torch's adaptive
    one adds up its gradient on a GPU in an order of chance (torch 2.11), and is refused under
    ``torch.use_deterministic_algorithms``. Other sides are pooled by torch's.

    Example:
        >>> import torch
        >>> EvenAvgPool2d(1)(torch.arange(4.0).view(1, 1, 2, 2)).item()
        1.5
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, size, size)."""
        size, sides = self.output_size, x.shape[-2:]
        if any(side % size for side in sides):
            return super().forward(x)
        return F.avg_pool2d(x, [side // size for side in sides])
