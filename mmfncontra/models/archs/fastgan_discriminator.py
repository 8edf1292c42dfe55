"""FastGAN's discriminator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS

from .fastgan_blocks import DownBlockComp, batch_norm, conv, down_block, leaky_relu, scaled
from .fastgan_trunk import FastGANTrunk, laid_out


@MODELS.register_module()
class FastGANDiscriminator(FastGANTrunk):
    """FastGAN's discriminator: 25 patch logits from the image, 25 from a small copy of it.

    The trunk takes the image from min(256, S) down to 8×8 in halving steps; a branch of its own
    takes the small copy, of side min(128, S/2), there too. On real images, decoders reconstruct
    them from the trunk's last map, the small branch's last map and a random quadrant of the 16×16
    map: the self-supervision that keeps the discriminator from overfitting few images. At 64 and
    128 the network is the published one with its first down-sampling steps cut off.

    Called, it takes images (B, C, S, S), or the pair that a FastGAN generator returns, and gives
    logits (B, 50), of each image 25 from the full size, then 25 from the small. With ``decode`` the
    reconstructions are those of the last map, the small branch and the quadrant.

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

    def __init__(
        self,
        in_size: int = 256,
        base_channels: int = 64,
        in_channels: int = 3,
        decoders: bool = True,
    ) -> None:
        super().__init__(in_size, base_channels, in_channels)
        width = self.width
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
            self._build_decoders(last=width[8], small=small_width[8], quadrant=width[16])

    def _stem(self, first: tuple[int, ...]) -> nn.Module:
        stem = nn.Sequential(conv(*first), leaky_relu())
        if self.in_size == 1024:
            stem.extend(down_block(self.width[512], self.width[256]))
        return stem

    def _down(self, in_channels: int, out_channels: int) -> nn.Module:
        return DownBlockComp(in_channels, out_channels)

    def _images(self, x: Tensor | Sequence[Tensor]) -> list[Tensor]:
        return [laid_out(image, torch.channels_last) for image in super()._images(x)]

    def _judge(self, maps: dict[int, Tensor], images: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        small = self.small(images[1])
        logits = [self.logits_big(maps[8]), self.logits_small(small)]
        return torch.cat([each.flatten(1) for each in logits], dim=1), [maps[8], small]
