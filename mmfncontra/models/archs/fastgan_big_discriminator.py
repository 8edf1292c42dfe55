"""FastGAN-Dbig: a residual discriminator for FastGAN's generator, on the full-size image alone."""

from torch import Tensor, nn
from torch.nn import functional as F

from mmfncontra.registry import MODELS

from .fastgan_blocks import conv, normalised
from .fastgan_trunk import FastGANTrunk

_SLOPE = 0.2  # of every LeakyReLU


@MODELS.register_module()
class FastGANBigDiscriminator(FastGANTrunk):
    """The discriminator that CHAIN is reported on: one logit, residual blocks, no BatchNorm.

    FastGAN's trunk with residual down blocks in place of its own, of the same widths, with the same
    excitations and the decoders of the last map and of the quadrant; without the branch that judges
    a small copy. Every convolution of the trunk is spectrally normalised and has a bias. At 64 and
    128 the network is the one at 256 with its first down-sampling steps cut off.

    Called, it takes images (B, C, S, S), or a list whose first entry they are, and gives logits
    (B, 1). With ``decode`` the reconstructions are those of the last map and of the quadrant.

    Where the paper's description leaves it open: no activation follows the stem's convolution,
    since the next block begins with one, and none precedes the sum over space; the output block has
    the same 1×1 skip as the others; weights start as FastGAN's, from N(0, 0.02), biases at 0.

    Source: Ni & Koniusz, CVPR 2024, arXiv 2404.00521 (FastGAN-Dbig).

    Attributes:
        in_size: Side S of the image in pixels.
        feature_taps: Names of the submodules whose outputs are the trunk's maps, from the first
            (stride 1) to the last (8×8), as FastGANDiscriminator's; nothing overwrites them.
        norm_slots: Channels by the name of each ``nn.Identity`` that a normalisation may replace:
            after both convolutions and the skip of the down blocks (five from 256 up).

    Args:
        in_size: Side of the image in pixels, one of 64, 128, 256, 512, 1024.
        base_channels: Channels of the trunk at 64×64; a map of side r has 64/r times as many.
        in_channels: Channels of the image.
        decoders: Whether to build the decoders.

    Raises:
        ValueError: If a size is not one of the above or a count is not a positive integer.

    Example:
        >>> import torch
        >>> discriminator = FastGANBigDiscriminator(in_size=64, base_channels=8)
        >>> images = torch.rand(2, 3, 64, 64) * 2 - 1
        >>> logits, reconstructions, targets = discriminator(images, decode=True)
        >>> logits.shape, len(reconstructions), targets[0].shape
        (torch.Size([2, 1]), 2, torch.Size([2, 3, 64, 64]))
    """

    takes_small_image = False

    def __init__(
        self,
        in_size: int = 1024,
        base_channels: int = 64,
        in_channels: int = 3,
        decoders: bool = True,
    ) -> None:
        super().__init__(in_size, base_channels, in_channels)
        width = self.width
        self.norm_slots = {
            f'down_{r}.{norm}': width[r]
            for r in self.resolutions[1:]
            for norm in ('norm_1', 'norm_2', 'norm_skip')
        }
        self.last = ResidualBlock(width[8], width[8], downsample=False)
        self.logit = normalised(nn.Linear(width[8], 1))
        if decoders:
            self._build_decoders(last=width[8], quadrant=width[16])

    def _stem(self, first: tuple[int, ...]) -> nn.Module:
        layer = conv(*first, bias=True)
        if self.in_size < 1024:
            return layer
        return nn.Sequential(layer, ResidualBlock(self.width[512], self.width[256]))

    def _down(self, in_channels: int, out_channels: int) -> nn.Module:
        return ResidualBlock(in_channels, out_channels)

    def _judge(self, maps: dict[int, Tensor], images: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return self.logit(self.last(maps[8]).sum((2, 3))), [maps[8]]


class ResidualBlock(nn.Module):
    """Two convolutions, each after a LeakyReLU, beside a 1×1 convolution; summed, then pooled.

    ``norm_1``, ``norm_2`` and ``norm_skip`` are ``nn.Identity``: places for a normalisation.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        downsample: Whether to halve the resolution, by average pooling.
    """

    def __init__(self, in_channels: int, out_channels: int, downsample: bool = True) -> None:
        super().__init__()
        self.conv_1 = conv(in_channels, out_channels, 3, 1, 1, bias=True)
        self.norm_1 = nn.Identity()
        self.conv_2 = conv(out_channels, out_channels, 3, 1, 1, bias=True)
        self.norm_2 = nn.Identity()
        self.skip = conv(in_channels, out_channels, 1, 1, 0, bias=True)
        self.norm_skip = nn.Identity()
        self.pool = nn.AvgPool2d(2) if downsample else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, out, H/2, W/2), or (B, out, H, W) without down-sampling."""
        main = self.norm_1(self.conv_1(F.leaky_relu(x, _SLOPE)))  # x is a tapped map: kept
        main = self.norm_2(self.conv_2(F.leaky_relu(main, _SLOPE, inplace=True)))
        # The sum of the pooled paths, pooled once.
        return self.pool(main + self.norm_skip(self.skip(x)))
