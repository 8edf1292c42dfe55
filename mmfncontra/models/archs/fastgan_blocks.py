"""Building blocks that FastGAN's generator and discriminator share (arXiv 2101.04775)."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from ..layers import EvenAvgPool2d, UpsampledConv2d

FASTGAN_SIZES = (64, 128, 256, 512, 1024)
# Channels of generators at each resolution, in units of base_channels.
GENERATOR_WIDTHS = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
# Skip-layer excitation: the map at the key is gated by the map at the value.
GENERATOR_SKIPS = {64: 4, 128: 8, 256: 16, 512: 32}
_STD = 0.02  # of every initial convolution weight and of BatchNorm's initial scale


def check_fastgan_size(name: str, size: int) -> None:
    """Raise ``ValueError`` unless ``size``, the argument called ``name``, is one FastGAN has."""
    if size not in FASTGAN_SIZES:
        raise ValueError(f'{name} must be one of {FASTGAN_SIZES} pixels, got {size!r}')


def scaled(channels: float, minimum: int = 4) -> int:
    """Whole number of channels; ``minimum`` keeps the thin end of a narrow network alive."""
    return max(minimum, int(channels))


def normalised(layer: nn.Module) -> nn.Module:
    """A layer under spectral normalisation, its weight drawn from N(0, 0.02), its bias 0."""
    nn.init.normal_(layer.weight, 0.0, _STD)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer)


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int, padding: int, bias: bool = False
) -> nn.Module:
    """Spectrally normalised convolution."""
    return normalised(nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=bias))


def upsampled_conv(in_channels: int, out_channels: int) -> nn.Module:
    """Nearest ×2 and a spectrally normalised 3×3 convolution, no bias."""
    return normalised(UpsampledConv2d(in_channels, out_channels))


def conv_transpose(in_channels: int, out_channels: int, kernel: int) -> nn.Module:
    """Spectrally normalised transposed convolution, stride 1, no padding, no bias."""
    return normalised(nn.ConvTranspose2d(in_channels, out_channels, kernel, bias=False))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm with its scale drawn from N(1, 0.02) and its bias 0."""
    layer = nn.BatchNorm2d(channels)
    nn.init.normal_(layer.weight, 1.0, _STD)
    return layer


def leaky_relu() -> nn.LeakyReLU:
    """LeakyReLU(0.2) that overwrites its input, always a fresh convolution or BatchNorm output."""
    return nn.LeakyReLU(0.2, inplace=True)


def up_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """(B, in, H, W) → (B, out, 2H, 2W): nearest ×2, convolution, BatchNorm, GLU."""
    return _numbered_from_one(
        upsampled_conv(in_channels, 2 * out_channels), batch_norm(2 * out_channels), nn.GLU(dim=1)
    )


def up_block_comp(in_channels: int, out_channels: int) -> nn.Sequential:
    """(B, in, H, W) → (B, out, 2H, 2W): as `up_block`, two convolutions with injected noise."""
    return _numbered_from_one(
        upsampled_conv(in_channels, 2 * out_channels),
        NoiseInjection(),
        batch_norm(2 * out_channels),
        nn.GLU(dim=1),
        conv(out_channels, 2 * out_channels, 3, 1, 1),
        NoiseInjection(),
        batch_norm(2 * out_channels),
        nn.GLU(dim=1),
    )


def _numbered_from_one(*layers: nn.Module) -> nn.Sequential:
    # In published checkpoints 0 is the up-sampling, which is part of the convolution here.
    return nn.Sequential(OrderedDict((str(i), layer) for i, layer in enumerate(layers, start=1)))


def down_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """(B, in, H, W) → (B, out, H/2, W/2): strided convolution, BatchNorm, LeakyReLU."""
    return nn.Sequential(
        conv(in_channels, out_channels, 4, 2, 1), batch_norm(out_channels), leaky_relu()
    )


class NoiseInjection(nn.Module):
    """Adds one N(0, 1) map per sample, times a learned strength that starts at 0.

    The noise is drawn in evaluation mode too: it is part of the generator's randomness.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        noise = torch.randn(x.shape[0], 1, *x.shape[2:], device=x.device, dtype=x.dtype)
        return x + self.weight * noise


class SkipLayerExcitation(nn.Module):
    """Channel-wise gate on a high-resolution map, computed from a map far away in the network.

    ``high · σ(conv₁(SiLU(conv₄(pool₄ₓ₄(low)))))``, the skip-layer excitation of FastGAN, §3.1.
    The generator gates high-resolution maps by low ones; the discriminator runs it the other way.

    Args:
        in_channels: Channels of the map that controls the gate.
        out_channels: Channels of the map that is gated.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            EvenAvgPool2d(4),
            conv(in_channels, out_channels, 4, 1, 0),
            nn.SiLU(),
            conv(out_channels, out_channels, 1, 1, 0),
            nn.Sigmoid(),
        )

    def forward(self, control: Tensor, x: Tensor) -> Tensor:
        """``control`` (B, in, h, w) with h, w ≥ 4 and ``x`` (B, out, H, W) → (B, out, H, W)."""
        return x * self.gate(control)


class DownBlockComp(nn.Module):
    """Halves the resolution on two paths, strided convolution and average pool, and averages them.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *down_block(in_channels, out_channels),
            conv(out_channels, out_channels, 3, 1, 1),
            batch_norm(out_channels),
            leaky_relu(),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2),
            conv(in_channels, out_channels, 1, 1, 0),
            batch_norm(out_channels),
            leaky_relu(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, out, H/2, W/2)."""
        return (self.main(x) + self.direct(x)) / 2
