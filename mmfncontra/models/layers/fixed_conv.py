"""Convolution with random weights that are drawn once and never trained."""

import torch.nn.functional as F
from torch import Tensor, nn


class FixedConv2d(nn.Module):
    """Convolution, stride 1, of the input's size, by weights and biases that stay as drawn.

    They are buffers: saved with the network, the same on every rank, unknown to optimisers. Their
    distribution is torch's default for ``nn.Conv2d``, U(±1/√fan_in).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the kernel in pixels, odd.
    """

    acts_by_sample = True

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1) -> None:
        super().__init__()
        drawn = nn.Conv2d(in_channels, out_channels, kernel)
        self.register_buffer('weight', drawn.weight.detach())
        self.register_buffer('bias', drawn.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, out, H, W)."""
        return F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)

    def extra_repr(self) -> str:
        """Channels and kernel."""
        out, into, kernel, _ = self.weight.shape
        return f'{into}, {out}, kernel={kernel}'
