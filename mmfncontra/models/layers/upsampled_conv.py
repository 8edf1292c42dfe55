"""Nearest-neighbour doubling and a 3×3 convolution as one operation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# A row of three weights meets each pixel pair of the doubled row in two ways; as a transposed
# convolution of stride 2 these are the four weights [w2, w1 + w2, w0 + w1, w0].
_PER_AXIS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))
# Input pixels a side below which the plain way is as fast: there the kernels are larger than the
# maps, and summing them costs more than is saved.
_SMALLEST = 8


def kernel_sums() -> Tensor:
    """Which of a kernel's 9 weights are summed in each of 16, (9, 16), ones and zeros."""
    axis = torch.tensor(_PER_AXIS)
    return torch.kron(axis, axis).T.contiguous()


def sum_kernels(weight: Tensor, sums: Tensor) -> Tensor:
    """Kernel of the transposed convolution that doubles its input and then applies ``weight``.

    Args:
        weight: (out, in, 3, 3).
        sums: :func:`kernel_sums`, of the weight's type and device.

    Returns:
        (in, out, 4, 4), for ``F.conv_transpose2d(..., stride=2, padding=1)``.
    """
    return (weight.transpose(0, 1).flatten(2) @ sums).unflatten(2, (4, 4))


class UpsampledConv2d(nn.Conv2d):
    """Doubles a map by nearest neighbours and convolves it, with 4/9 of the multiplications.

    Equal to ``nn.Upsample(scale_factor=2)`` followed by ``nn.Conv2d(in, out, 3, padding=1,
    bias=False)``, up to rounding, forwards and backwards: neighbouring weights that meet copies of
    the same pixel are summed first, so that each output pixel takes 4 multiplications a channel
    instead of 9. Small maps take the plain way.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.

    Example:
        >>> import torch
        >>> UpsampledConv2d(8, 4)(torch.randn(2, 8, 16, 16)).shape
        torch.Size([2, 4, 32, 32])
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)
        # Made here: in each forward it would be a copy from the host, for which a GPU is waited.
        self.register_buffer('sums', kernel_sums(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, out, 2H, 2W)."""
        if min(x.shape[-2:]) < _SMALLEST:
            return F.conv2d(F.interpolate(x, scale_factor=2), self.weight, padding=1)
        return F.conv_transpose2d(x, sum_kernels(self.weight, self.sums), stride=2, padding=1)
