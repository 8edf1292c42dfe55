"""Projected GAN's light variant of FastGAN's generator."""

from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_booleans, check_integers

from ..layers import EvenAvgPool2d, UpsampledConv2d
from .fastgan_blocks import (
    GENERATOR_SKIPS,
    GENERATOR_WIDTHS,
    NoiseInjection,
    check_fastgan_size,
    scaled,
)


@MODELS.register_module()
class FastGANLiteGenerator(nn.Module):
    """FastGAN's generator as Projected GAN trains it: noise → one image.

    Beside :class:`FastGANGenerator`: the noise is scaled to length √Z, every block has one
    convolution and no noise, there is no tanh and no small image, and weights begin as torch draws
    them. ``full`` gives every block two convolutions with noise, which was made for tens of
    thousands of images and is worse on a few hundred.

    Source: Sauer et al., NeurIPS 2021, arXiv 2111.01007, and its released code (from where the
    scaling of the noise is; the paper does not have it). Below 256 pixels, where nothing is
    published, the network is cut at its output.

    Args:
        out_size: Side of the image in pixels, one of 64, 128, 256, 512, 1024.
        base_channels: Channels of the map at 128×128; every other width is a multiple of it.
        noise_size: Length Z of a noise vector.
        out_channels: Channels of the image.
        excitations: Whether maps at 64 and above are gated by the one four doublings earlier; with
            gates, users of the release report grids of 32 pixels at 512.
        full: Two convolutions and noise in every block.

    Raises:
        ValueError: If a size is not one of the above, a count is not a positive integer or a switch
            is no boolean.

    Example:
        >>> import torch
        >>> FastGANLiteGenerator(out_size=64, base_channels=8)(torch.randn(2, 256)).shape
        torch.Size([2, 3, 64, 64])
    """

    def __init__(
        self,
        out_size: int = 256,
        base_channels: int = 128,
        noise_size: int = 256,
        out_channels: int = 3,
        excitations: bool = True,
        full: bool = False,
    ) -> None:
        super().__init__()
        check_fastgan_size('out_size', out_size)
        check_integers(
            base_channels=base_channels, noise_size=noise_size, out_channels=out_channels
        )
        check_booleans(excitations=excitations, full=full)
        self.out_size = out_size
        self.noise_size = noise_size
        self.resolutions = tuple(r for r in GENERATOR_WIDTHS if 8 <= r <= out_size)
        width = {r: scaled(w * base_channels) for r, w in GENERATOR_WIDTHS.items()}
        self.initial = nn.Sequential(
            spectral_norm(nn.ConvTranspose2d(noise_size, 2 * width[4], 4, bias=False)),
            nn.BatchNorm2d(2 * width[4]),
            nn.GLU(dim=1),
        )
        for r in self.resolutions:
            self.add_module(f'up_{r}', _up_block(width[r // 2], width[r], full))
            if excitations and r in GENERATOR_SKIPS:
                self.add_module(f'skip_{r}', _gate(width[GENERATOR_SKIPS[r]], width[r]))
        self._gated = tuple(r for r in self.resolutions if excitations and r in GENERATOR_SKIPS)
        self.to_image = spectral_norm(nn.Conv2d(width[out_size], out_channels, 3, padding=1))

    def idle_parts(self, *_: object, **__: object) -> tuple[str, ...]:
        """Submodules that such a forward leaves out, see ``JointSpectralNorm``: none."""
        return ()

    def forward(self, noise: Tensor) -> Tensor:
        """Draw images.

        Args:
            noise: (B, Z), drawn from N(0, 1).

        Returns:
            (B, out_channels, S, S), RGB around [-1, 1].
        """
        noise = noise * (noise.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        x = self.initial(noise[:, :, None, None])
        maps = {4: x}
        for r in self.resolutions:
            x = self.get_submodule(f'up_{r}')(x)
            if r in self._gated:
                x = x * self.get_submodule(f'skip_{r}')(maps[GENERATOR_SKIPS[r]])
            maps[r] = x
        return self.to_image(x)


def _up_block(in_channels: int, out_channels: int, full: bool) -> nn.Sequential:
    """(B, in, H, W) → (B, out, 2H, 2W)."""
    convs = [UpsampledConv2d(in_channels, 2 * out_channels)]
    if full:
        convs.append(nn.Conv2d(out_channels, 2 * out_channels, 3, padding=1, bias=False))
    return nn.Sequential(
        *(
            layer
            for conv in convs
            for layer in (
                spectral_norm(conv),
                *([NoiseInjection()] if full else []),
                nn.BatchNorm2d(2 * out_channels),
                nn.GLU(dim=1),
            )
        )
    )


def _gate(in_channels: int, out_channels: int) -> nn.Sequential:
    """(B, in, h, w) → (B, out, 1, 1), in (0, 1)."""
    return nn.Sequential(
        EvenAvgPool2d(4),
        spectral_norm(nn.Conv2d(in_channels, out_channels, 4, bias=False)),
        nn.SiLU(),
        spectral_norm(nn.Conv2d(out_channels, out_channels, 1, bias=False)),
        nn.Sigmoid(),
    )
