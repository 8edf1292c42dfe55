"""FastGAN's generator."""

from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers

from .fastgan_blocks import (
    GENERATOR_SKIPS,
    GENERATOR_WIDTHS,
    SkipLayerExcitation,
    batch_norm,
    check_fastgan_size,
    conv,
    conv_transpose,
    scaled,
    up_block,
    up_block_comp,
)


@MODELS.register_module()
class FastGANGenerator(nn.Module):
    """FastGAN's generator: noise → an image at the full size and the same image small.

    Up-sampling blocks double the resolution from 4×4 to ``out_size``, the maps at 64 and above are
    gated by the one four doublings earlier. The small image is a 1×1 convolution of the map at its
    size. Both images pass a tanh at 1024 only, as in the published networks; below, the heads are
    linear and only training keeps the values near [-1, 1]. At 64 and 128 the network is the
    published one cut at its output.

    Source: Liu et al., *Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
    Image Synthesis*, ICLR 2021, arXiv 2101.04775.

    Args:
        out_size: Side of the image in pixels, one of 64, 128, 256, 512, 1024.
        base_channels: Channels of the map at 128×128; every other width is a multiple of it.
        noise_size: Length of a noise vector.
        out_channels: Channels of the image.
        small: Whether to draw the small image too. A discriminator that does not look at it (such
            as ``FastGANBigDiscriminator``) leaves its layer untrained, which distributed training
            refuses.

    Raises:
        ValueError: If a size is not one of the above or a count is not a positive integer.

    Example:
        >>> import torch
        >>> image, small = FastGANGenerator(out_size=64, base_channels=8)(torch.randn(2, 256))
        >>> image.shape, small.shape
        (torch.Size([2, 3, 64, 64]), torch.Size([2, 3, 32, 32]))
    """

    def __init__(
        self,
        out_size: int = 256,
        base_channels: int = 64,
        noise_size: int = 256,
        out_channels: int = 3,
        small: bool = True,
    ) -> None:
        super().__init__()
        check_fastgan_size('out_size', out_size)
        check_integers(
            base_channels=base_channels, noise_size=noise_size, out_channels=out_channels
        )
        self.out_size = out_size
        self.small_size = min(128, out_size // 2)
        self.noise_size = noise_size
        self.resolutions = tuple(r for r in GENERATOR_WIDTHS if 8 <= r <= out_size)
        width = {r: scaled(w * base_channels) for r, w in GENERATOR_WIDTHS.items()}

        self.initial = nn.Sequential(
            conv_transpose(noise_size, 2 * width[4], 4), batch_norm(2 * width[4]), nn.GLU(dim=1)
        )
        for r in self.resolutions:
            block = up_block_comp if r in (8, 32, 128, 512) else up_block
            self.add_module(f'up_{r}', block(width[r // 2], width[r]))
            if r in GENERATOR_SKIPS:
                self.add_module(
                    f'skip_{r}', SkipLayerExcitation(width[GENERATOR_SKIPS[r]], width[r])
                )
        self.to_small = conv(width[self.small_size], out_channels, 1, 1, 0) if small else None
        self.to_big = conv(width[out_size], out_channels, 3, 1, 1)
        self.squash = nn.Tanh() if out_size == 1024 else nn.Identity()

    def idle_parts(self, *_: object, **__: object) -> tuple[str, ...]:
        """Submodules that such a forward leaves out, see ``JointSpectralNorm``: none."""
        return ()

    def forward(self, noise: Tensor) -> list[Tensor]:
        """Draw images.

        Args:
            noise: (B, noise_size), drawn from N(0, 1).

        Returns:
            ``[(B, out_channels, S, S), (B, out_channels, s, s)]``, RGB around [-1, 1], with S =
            ``out_size`` and s = min(128, S/2); without ``small`` the first alone.
        """
        x = self.initial(noise[:, :, None, None])
        maps = {4: x}
        for r in self.resolutions:
            x = self.get_submodule(f'up_{r}')(x)
            if r in GENERATOR_SKIPS:
                x = self.get_submodule(f'skip_{r}')(maps[GENERATOR_SKIPS[r]], x)
            maps[r] = x
        images = [self.squash(self.to_big(x))]
        if self.to_small is not None:
            images.append(self.squash(self.to_small(maps[self.small_size])))
        return images
