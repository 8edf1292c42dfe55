"""What FastGAN's discriminators share: the trunk of feature maps and the decoders that read it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfncontra.utils.checks import check_integers

from ..layers import EvenAvgPool2d
from .fastgan_blocks import SkipLayerExcitation, check_fastgan_size, conv, scaled, up_block

# Skip-layer excitation: the trunk map at the key is gated by the trunk map at the value.
_EXCITED_BY = {32: 256, 16: 128, 8: 64}
# Channels of the decoders' maps at each resolution, for base_channels = 64.
_DECODER_WIDTHS = {16: 128, 32: 64, 64: 64, 128: 32}


class FastGANTrunk(nn.Module):
    """A discriminator's trunk, from the image of side S down to 8×8 in halving steps.

    Whoever inherits says what the steps are made of, whether a small copy of the image (side
    ``small_size`` = min(128, S/2)) is judged as well, judges the maps and builds the decoders.

    Source: Liu et al., *Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
    Image Synthesis*, ICLR 2021, arXiv 2101.04775.

    Args:
        in_size: Side S of the image in pixels, one of 64, 128, 256, 512, 1024.
        base_channels: Channels of the trunk at 64×64; a map of side r has 64/r times as many.
        in_channels: Channels of the image.

    Raises:
        ValueError: If a size is not one of the above or a count is not a positive integer.
    """

    samples_meet_in_batchnorm_only = True
    takes_small_image = True

    def __init__(self, in_size: int, base_channels: int, in_channels: int) -> None:
        super().__init__()
        check_fastgan_size('in_size', in_size)
        check_integers(base_channels=base_channels, in_channels=in_channels)
        self.in_size = in_size
        self.in_channels = in_channels
        self.decoded_size = min(128, in_size)
        self.has_decoders = False
        self.resolutions = tuple(r for r in (256, 128, 64, 32, 16, 8) if r <= in_size)
        self.small_size = min(128, in_size // 2)
        self._sizes = (in_size, self.small_size) if self.takes_small_image else (in_size,)
        self._decoders: tuple[str, ...] = ()
        self._base_channels = base_channels
        self.width = {r: scaled(base_channels * 64 / r) for r in (512, *self.resolutions)}

        halves = in_size > 256
        shape = (4, 2, 1) if halves else (3, 1, 1)
        self.stem = self._stem((in_channels, self.width[in_size // (1 + halves)], *shape))
        for r in self.resolutions[1:]:
            self.add_module(f'down_{r}', self._down(self.width[2 * r], self.width[r]))
            if self._is_excited(r):
                excitation = SkipLayerExcitation(self.width[_EXCITED_BY[r]], self.width[r])
                self.add_module(f'excite_{r}', excitation)
        self.feature_taps = (
            'stem',
            *(f'{"excite" if self._is_excited(r) else "down"}_{r}' for r in self.resolutions[1:]),
        )

    def _is_excited(self, resolution: int) -> bool:
        return _EXCITED_BY.get(resolution) in self.resolutions

    def _stem(self, first: tuple[int, ...]) -> nn.Module:
        """(B, C, S, S) → the trunk's first map, at most 256×256; ``first``: a convolution."""
        raise NotImplementedError

    def _down(self, in_channels: int, out_channels: int) -> nn.Module:
        """(B, in, H, W) → (B, out, H/2, W/2)."""
        raise NotImplementedError

    def _judge(self, maps: dict[int, Tensor], images: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, n), and the maps that decoders make the whole image of."""
        raise NotImplementedError

    def _build_decoders(self, **in_channels: int) -> None:
        """Build a decoder for each of several maps, the last of them cut to a quadrant."""
        for name, channels in in_channels.items():
            self.add_module(f'decoder_{name}', self._decoder(channels))
        self._decoders = tuple(f'decoder_{name}' for name in in_channels)
        self.has_decoders = True

    def _decoder(self, in_channels: int) -> nn.Module:
        """(B, in, h, w) → (B, C, d, d) in [-1, 1], through an 8×8 map."""
        widths = [
            scaled(width * self._base_channels / 64, 8)
            for r, width in _DECODER_WIDTHS.items()
            if r <= self.decoded_size
        ]
        return nn.Sequential(
            EvenAvgPool2d(8),
            *(up_block(i, o) for i, o in zip([in_channels, *widths], widths, strict=False)),
            conv(widths[-1], self.in_channels, 3, 1, 1),
            nn.Tanh(),
        )

    def idle_parts(self, _: object, decode: bool = False, *__: object) -> tuple[str, ...]:
        """Submodules that such a forward leaves out, see ``JointSpectralNorm``."""
        return () if decode else self._decoders

    def forward(
        self, x: Tensor | Sequence[Tensor], decode: bool = False, quadrant: int | None = None
    ) -> Tensor | tuple[Tensor, list[Tensor], list[Tensor]]:
        """Judge images and, if asked, reconstruct them.

        Args:
            x: Images (B, C, H, W) in [-1, 1], resized (nearest) to the sides that are judged; or
                images of these sides, as a FastGAN generator returns them: (B, C, S, S) first.
                Further ones are not looked at.
            decode: Whether to reconstruct the images as well.
            quadrant: Quadrant of the 16×16 map to decode, 0 to 3 in reading order (0 = top left);
                None draws one for the batch.

        Returns:
            Logits (B, n), unbounded. With ``decode``, also two lists of (B, C, d, d), d =
            min(128, S): the reconstructions in [-1, 1], one by each decoder, that of the quadrant
            last; and their targets, without gradient: the image, and at last its quadrant.

        Raises:
            ValueError: If images have other sizes, if ``quadrant`` is not in 0..3, or if ``decode``
                is asked of a discriminator built without decoders.
        """
        if quadrant not in (None, 0, 1, 2, 3):
            raise ValueError(f'quadrant must be 0, 1, 2, 3 or None, got {quadrant!r}')
        if decode and not self.has_decoders:
            raise ValueError('decode must be False: this discriminator has decoders=False')
        images = self._images(x)

        maps = {self.resolutions[0]: self.stem(images[0])}
        for r in self.resolutions[1:]:
            maps[r] = self.get_submodule(f'down_{r}')(maps[2 * r])
            if self._is_excited(r):
                maps[r] = self.get_submodule(f'excite_{r}')(maps[_EXCITED_BY[r]], maps[r])
        logits, coded = self._judge(maps, images)
        if not decode:
            return logits

        image = images[0].detach()
        if quadrant is None:
            quadrant = torch.randint(4, (1,), device=image.device)
        coded = [*coded, _crop_quadrant(maps[16], quadrant)]
        reconstructions = [
            self.get_submodule(name)(laid_out(code, torch.contiguous_format))
            for name, code in zip(self._decoders, coded, strict=True)
        ]
        whole = _resize_nearest(image, self.decoded_size)
        part = _resize_nearest(_crop_quadrant(image, quadrant), self.decoded_size)
        return logits, reconstructions, [whole] * (len(coded) - 1) + [part]

    def _images(self, x: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """The images of each side that is judged."""
        if isinstance(x, Tensor):
            return [_resize_nearest(x, size) for size in self._sizes]
        images = list(x[: len(self._sizes)])
        found = [tuple(image.shape[2:]) for image in images]
        if found != [(size, size) for size in self._sizes]:
            wanted = ' and '.join(f'{size}²' for size in self._sizes)
            raise ValueError(f'x must be images of {wanted} pixels, got {found}')
        return images


def laid_out(x: Tensor, layout: torch.memory_format) -> Tensor:
    """``x`` in a memory layout that is faster on CPUs; on a GPU the images come as they should.

    Strided convolutions and pooling are faster channels last, decoders are not.
    """
    return x.contiguous(memory_format=layout) if x.device.type == 'cpu' else x


def _resize_nearest(x: Tensor, size: int) -> Tensor:
    """Nearest, not antialiased: FastGAN's targets and small copies are made this way."""
    return x if x.shape[2:] == (size, size) else F.interpolate(x, size=(size, size))


def _crop_quadrant(x: Tensor, quadrant: int | Tensor) -> Tensor:
    """(B, C, H, H) → (B, C, H/2, H/2); a drawn quadrant stays on its device, so no host sync."""
    half = x.shape[2] // 2
    span = torch.arange(half, device=x.device)
    return x.index_select(2, span + half * (quadrant // 2)).index_select(
        3, span + half * (quadrant % 2)
    )
