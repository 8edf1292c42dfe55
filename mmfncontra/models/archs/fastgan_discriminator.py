"""FastGAN's discriminator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers

from ..layers.even_avg_pool import EvenAvgPool2d
from .fastgan_blocks import (
    DownBlockComp,
    SkipLayerExcitation,
    batch_norm,
    check_fastgan_size,
    conv,
    down_block,
    leaky_relu,
    scaled,
    up_block,
)

# Skip-layer excitation: the trunk map at the key is gated by the trunk map at the value.
EXCITED_BY = {32: 256, 16: 128, 8: 64}
# Channels of the decoders' maps at each resolution, for base_channels = 64.
_DECODER_WIDTHS = {16: 128, 32: 64, 64: 64, 128: 32}


@MODELS.register_module()
class FastGANDiscriminator(nn.Module):
    """FastGAN's discriminator: 25 patch logits from the image, 25 from a small copy of it.

    The trunk takes the image from min(256, S) down to 8×8 in halving steps; a branch of its own
    takes the small copy, of side min(128, S/2), there too. On real images, decoders reconstruct
    them from the trunk's last map, the small branch's last map and a random quadrant of the 16×16
    map: the self-supervision that keeps the discriminator from overfitting few images. At 64 and
    128 the network is the published one with its first down-sampling steps cut off.

    Source: Liu et al., *Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
    Image Synthesis*, ICLR 2021, arXiv 2101.04775.

    Attributes:
        in_size: Side S of the image in pixels.
        small_size: Side of the small copy, min(128, S/2).
        feature_taps: Names of the submodules whose outputs are the trunk's maps, from the first
            (stride 1) to the last (8×8). At 256: 16×256², 32×128², 64×64², 128×32², 256×16² and
            512×8². Read them with forward hooks; nothing downstream overwrites them.

    Args:
        in_size: Side of the image in pixels, one of 64, 128, 256, 512, 1024.
        base_channels: Channels of the trunk at 64×64; a map of side r has 64/r times as many.
        in_channels: Channels of the image.
        decoders: Whether to build the decoders.

    Raises:
        ValueError: If a size is not one of the above or a count is not a positive integer.

    Example:
        >>> import torch
        >>> discriminator = FastGANDiscriminator(in_size=64, base_channels=8)
        >>> images = torch.rand(2, 3, 64, 64) * 2 - 1
        >>> logits, reconstructions, targets = discriminator(images, decode=True)
        >>> logits.shape, reconstructions[0].shape, targets[0].shape
        (torch.Size([2, 50]), torch.Size([2, 3, 64, 64]), torch.Size([2, 3, 64, 64]))
    """

    samples_meet_in_batchnorm_only = True

    def __init__(
        self,
        in_size: int = 256,
        base_channels: int = 64,
        in_channels: int = 3,
        decoders: bool = True,
    ) -> None:
        super().__init__()
        check_fastgan_size('in_size', in_size)
        check_integers(base_channels=base_channels, in_channels=in_channels)
        self.in_size = in_size
        self.in_channels = in_channels
        self.small_size = min(128, in_size // 2)
        self.decoded_size = min(128, in_size)
        self.has_decoders = decoders
        first = min(256, in_size)
        self.resolutions = tuple(r for r in (256, 128, 64, 32, 16, 8) if r <= first)
        width = {r: scaled(base_channels * 64 / r) for r in (512, *self.resolutions)}

        self.stem = _stem(in_size, in_channels, width)
        for r in self.resolutions[1:]:
            self.add_module(f'down_{r}', DownBlockComp(width[2 * r], width[r]))
            if self._is_excited(r):
                self.add_module(f'excite_{r}', SkipLayerExcitation(width[EXCITED_BY[r]], width[r]))
        self.feature_taps = (
            'stem',
            *(f'{"excite" if self._is_excited(r) else "down"}_{r}' for r in self.resolutions[1:]),
        )
        self.logits_big = nn.Sequential(
            conv(width[8], 2 * width[8], 1, 1, 0),
            batch_norm(2 * width[8]),
            leaky_relu(),
            conv(2 * width[8], 1, 4, 1, 0),
        )

        small_width = {r: scaled(base_channels * 32 / r) for r in (64, 32, 16, 8)}
        halvings = [r for r in small_width if r < self.small_size]
        self.small = nn.Sequential(
            conv(in_channels, small_width[halvings[0]], 4, 2, 1),
            leaky_relu(),
            *(down_block(small_width[2 * r], small_width[r]) for r in halvings[1:]),
        )
        self.logits_small = conv(small_width[8], 1, 4, 1, 0)

        if decoders:
            out = (in_channels, self.decoded_size, base_channels)
            self.decoder_last = decoder(width[8], *out)
            self.decoder_small = decoder(small_width[8], *out)
            self.decoder_quadrant = decoder(width[16], *out)

    def forward(
        self, x: Tensor | Sequence[Tensor], decode: bool = False, quadrant: int | None = None
    ) -> Tensor | tuple[Tensor, list[Tensor], list[Tensor]]:
        """Judge images and, if asked, reconstruct them.

        Args:
            x: Images (B, C, H, W) in [-1, 1], resized (nearest) to S and to the small size; or the
                pair ``[(B, C, S, S), (B, C, s, s)]`` that a FastGAN generator returns.
            decode: Whether to reconstruct the images as well.
            quadrant: Quadrant of the 16×16 map to decode, 0 to 3 in reading order (0 = top left);
                None draws one for the batch.

        Returns:
            Logits (B, 50), unbounded, of each image 25 from the full size, then 25 from the small.
            With ``decode``, also two lists of three (B, C, d, d), d = min(128, S): the
            reconstructions in [-1, 1] from the last map, the small branch and the quadrant; and
            their targets, without gradient: the image, the same tensor again, and its quadrant.

        Raises:
            ValueError: If a pair has other sizes, if ``quadrant`` is not in 0..3, or if ``decode``
                is asked of a discriminator built without decoders.
        """
        if quadrant not in (None, 0, 1, 2, 3):
            raise ValueError(f'quadrant must be 0, 1, 2, 3 or None, got {quadrant!r}')
        if decode and not self.has_decoders:
            raise ValueError('decode must be False: this discriminator has decoders=False')
        big, small = (_laid_out(image, torch.channels_last) for image in self._pair(x))

        maps = {self.resolutions[0]: self.stem(big)}
        for r in self.resolutions[1:]:
            maps[r] = self.get_submodule(f'down_{r}')(maps[2 * r])
            if self._is_excited(r):
                maps[r] = self.get_submodule(f'excite_{r}')(maps[EXCITED_BY[r]], maps[r])
        small_map = self.small(small)
        logits = torch.cat(
            [self.logits_big(maps[8]).flatten(1), self.logits_small(small_map).flatten(1)], dim=1
        )
        if not decode:
            return logits

        if quadrant is None:
            quadrant = torch.randint(4, (1,), device=big.device)
        coded = (maps[8], small_map, crop_quadrant(maps[16], quadrant))
        decoders = (self.decoder_last, self.decoder_small, self.decoder_quadrant)
        reconstructions = [
            build(_laid_out(code, torch.contiguous_format))
            for build, code in zip(decoders, coded, strict=True)
        ]
        whole = resize_nearest(big.detach(), self.decoded_size)
        part = resize_nearest(crop_quadrant(big.detach(), quadrant), self.decoded_size)
        return logits, reconstructions, [whole, whole, part]

    def _is_excited(self, resolution: int) -> bool:
        return EXCITED_BY.get(resolution) in self.resolutions

    def _pair(self, x: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        if isinstance(x, Tensor):
            return resize_nearest(x, self.in_size), resize_nearest(x, self.small_size)
        big, small = x
        sizes = (tuple(big.shape[2:]), tuple(small.shape[2:]))
        if sizes != ((self.in_size,) * 2, (self.small_size,) * 2):
            raise ValueError(
                f'x must be images of {self.in_size}² and {self.small_size}² pixels, got {sizes}'
            )
        return big, small


def _laid_out(x: Tensor, layout: torch.memory_format) -> Tensor:
    # On CPUs the trunk's strided convolutions and pooling are faster channels last, the decoders
    # are not. On a GPU the images come as they should be.
    return x.contiguous(memory_format=layout) if x.device.type == 'cpu' else x


def _stem(in_size: int, in_channels: int, width: dict[int, int]) -> nn.Sequential:
    """(B, C, S, S) → the trunk's first map, at most 256×256."""
    if in_size == 1024:
        return nn.Sequential(
            conv(in_channels, width[512], 4, 2, 1),
            leaky_relu(),
            *down_block(width[512], width[256]),
        )
    if in_size == 512:
        return nn.Sequential(conv(in_channels, width[256], 4, 2, 1), leaky_relu())
    return nn.Sequential(conv(in_channels, width[in_size], 3, 1, 1), leaky_relu())


def decoder(in_channels: int, out_channels: int, out_size: int, base_channels: int) -> nn.Module:
    """(B, in, h, w) → (B, out, out_size, out_size) in [-1, 1], through an 8×8 map."""
    widths = [
        scaled(w * base_channels / 64, 8) for r, w in _DECODER_WIDTHS.items() if r <= out_size
    ]
    return nn.Sequential(
        EvenAvgPool2d(8),
        *(up_block(i, o) for i, o in zip([in_channels, *widths], widths, strict=False)),
        conv(widths[-1], out_channels, 3, 1, 1),
        nn.Tanh(),
    )


def resize_nearest(x: Tensor, size: int) -> Tensor:
    """Nearest, not antialiased: FastGAN's targets and small copies are made this way."""
    return x if x.shape[2:] == (size, size) else F.interpolate(x, size=(size, size))


def crop_quadrant(x: Tensor, quadrant: int | Tensor) -> Tensor:
    """(B, C, H, H) → (B, C, H/2, H/2); a drawn quadrant stays on its device, so no host sync."""
    half = x.shape[2] // 2
    span = torch.arange(half, device=x.device)
    return x.index_select(2, span + half * (quadrant // 2)).index_select(
        3, span + half * (quadrant % 2)
    )
