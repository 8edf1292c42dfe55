"""FastGAN-Dbig: a residual discriminator for FastGAN's generator, on the full-size image alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers

from .fastgan_blocks import SkipLayerExcitation, check_fastgan_size, scaled
from .fastgan_discriminator import EXCITED_BY, crop_quadrant, decoder, resize_nearest

_STD = 0.02  # of every initial weight, as in FastGAN
_SLOPE = 0.2  # of every LeakyReLU


@MODELS.register_module()
class FastGANBigDiscriminator(nn.Module):
    """The discriminator that CHAIN is reported on: one logit, residual blocks, no BatchNorm.

    FastGAN's trunk with residual down blocks in place of its own, of the same widths, with the same
    excitations and the decoders of the last map and of the quadrant; without the branch that judges
    a small copy. Every convolution of the trunk is spectrally normalised and has a bias. At 64 and
    128 the network is the one at 256 with its first down-sampling steps cut off.

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
        >>> discriminator = FastGANBigDiscriminator(in_size=64, base_channels=8)
        >>> images = torch.rand(2, 3, 64, 64) * 2 - 1
        >>> logits, reconstructions, targets = discriminator(images, decode=True)
        >>> logits.shape, len(reconstructions), targets[0].shape
        (torch.Size([2, 1]), 2, torch.Size([2, 3, 64, 64]))
    """

    samples_meet_in_batchnorm_only = True

    def __init__(
        self,
        in_size: int = 1024,
        base_channels: int = 64,
        in_channels: int = 3,
        decoders: bool = True,
    ) -> None:
        super().__init__()
        check_fastgan_size('in_size', in_size)
        check_integers(base_channels=base_channels, in_channels=in_channels)
        self.in_size = in_size
        self.in_channels = in_channels
        self.decoded_size = min(128, in_size)
        self.has_decoders = decoders
        self.takes_small_image = False
        first = min(256, in_size)
        self.resolutions = tuple(r for r in (256, 128, 64, 32, 16, 8) if r <= first)
        width = {r: scaled(base_channels * 64 / r) for r in (512, *self.resolutions)}

        self.stem = _stem(in_size, in_channels, width)
        for r in self.resolutions[1:]:
            self.add_module(f'down_{r}', ResidualBlock(width[2 * r], width[r]))
            if self._is_excited(r):
                self.add_module(f'excite_{r}', SkipLayerExcitation(width[EXCITED_BY[r]], width[r]))
        self.feature_taps = (
            'stem',
            *(f'{"excite" if self._is_excited(r) else "down"}_{r}' for r in self.resolutions[1:]),
        )
        self.norm_slots = {
            f'down_{r}.{norm}': width[r]
            for r in self.resolutions[1:]
            for norm in ('norm_1', 'norm_2', 'norm_skip')
        }
        self.last = ResidualBlock(width[8], width[8], downsample=False)
        self.logit = _normalised(nn.Linear(width[8], 1))

        if decoders:
            out = (in_channels, self.decoded_size, base_channels)
            self.decoder_last = decoder(width[8], *out)
            self.decoder_quadrant = decoder(width[16], *out)

    def forward(
        self, x: Tensor | Sequence[Tensor], decode: bool = False, quadrant: int | None = None
    ) -> Tensor | tuple[Tensor, list[Tensor], list[Tensor]]:
        """Judge images and, if asked, reconstruct them.

        Args:
            x: Images (B, C, H, W) in [-1, 1], resized (nearest) to S; or a list as a FastGAN
                generator returns it, whose first entry is (B, C, S, S) and whose others are not
                looked at.
            decode: Whether to reconstruct the images as well.
            quadrant: Quadrant of the 16×16 map to decode, 0 to 3 in reading order (0 = top left);
                None draws one for the batch.

        Returns:
            Logits (B, 1), unbounded. With ``decode``, also two lists of two (B, C, d, d), d =
            min(128, S): the reconstructions in [-1, 1] from the last map and from the quadrant; and
            their targets, without gradient: the image and its quadrant.

        Raises:
            ValueError: If the first of a list has another size, if ``quadrant`` is not in 0..3, or
                if ``decode`` is asked of a discriminator built without decoders.
        """
        if quadrant not in (None, 0, 1, 2, 3):
            raise ValueError(f'quadrant must be 0, 1, 2, 3 or None, got {quadrant!r}')
        if decode and not self.has_decoders:
            raise ValueError('decode must be False: this discriminator has decoders=False')
        image = self._image(x)

        maps = {self.resolutions[0]: self.stem(image)}
        for r in self.resolutions[1:]:
            maps[r] = self.get_submodule(f'down_{r}')(maps[2 * r])
            if self._is_excited(r):
                maps[r] = self.get_submodule(f'excite_{r}')(maps[EXCITED_BY[r]], maps[r])
        logits = self.logit(self.last(maps[8]).sum((2, 3)))
        if not decode:
            return logits

        if quadrant is None:
            quadrant = torch.randint(4, (1,), device=image.device)
        reconstructions = [
            self.decoder_last(maps[8]),
            self.decoder_quadrant(crop_quadrant(maps[16], quadrant)),
        ]
        whole = resize_nearest(image.detach(), self.decoded_size)
        part = resize_nearest(crop_quadrant(image.detach(), quadrant), self.decoded_size)
        return logits, reconstructions, [whole, part]

    def _is_excited(self, resolution: int) -> bool:
        return EXCITED_BY.get(resolution) in self.resolutions

    def _image(self, x: Tensor | Sequence[Tensor]) -> Tensor:
        if isinstance(x, Tensor):
            return resize_nearest(x, self.in_size)
        if tuple(x[0].shape[2:]) != (self.in_size,) * 2:
            raise ValueError(
                f'x[0] must be images of {self.in_size}² pixels, got {tuple(x[0].shape[2:])}'
            )
        return x[0]


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
        self.conv_1 = _conv(in_channels, out_channels, 3, 1, 1)
        self.norm_1 = nn.Identity()
        self.conv_2 = _conv(out_channels, out_channels, 3, 1, 1)
        self.norm_2 = nn.Identity()
        self.skip = _conv(in_channels, out_channels, 1, 1, 0)
        self.norm_skip = nn.Identity()
        self.pool = nn.AvgPool2d(2) if downsample else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) → (B, out, H/2, W/2), or (B, out, H, W) without down-sampling."""
        main = self.norm_1(self.conv_1(F.leaky_relu(x, _SLOPE)))  # x is a tapped map: kept
        main = self.norm_2(self.conv_2(F.leaky_relu(main, _SLOPE, inplace=True)))
        # The sum of the pooled paths, pooled once.
        return self.pool(main + self.norm_skip(self.skip(x)))


def _stem(in_size: int, in_channels: int, width: dict[int, int]) -> nn.Module:
    """(B, C, S, S) → the trunk's first map, at most 256×256."""
    if in_size == 1024:
        return nn.Sequential(
            _conv(in_channels, width[512], 4, 2, 1), ResidualBlock(width[512], width[256])
        )
    if in_size == 512:
        return _conv(in_channels, width[256], 4, 2, 1)
    return _conv(in_channels, width[in_size], 3, 1, 1)


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int, padding: int) -> nn.Module:
    return _normalised(nn.Conv2d(in_channels, out_channels, kernel, stride, padding))


def _normalised(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """The layer under spectral normalisation, its weight drawn from N(0, 0.02), its bias 0."""
    nn.init.normal_(layer.weight, 0.0, _STD)
    nn.init.zeros_(layer.bias)
    return spectral_norm(layer)
