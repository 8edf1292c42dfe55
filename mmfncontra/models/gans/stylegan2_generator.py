"""StyleGAN2's generator as a training step and a sampler call it."""

import torch
from mmagic.models.editors import stylegan2
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_interval
from mmfncontra.utils.precision import without_autocast


@MODELS.register_module()
class StyleGAN2Generator(stylegan2.StyleGAN2Generator):
    r"""mmagic's StyleGAN2 generator: its layers and names of weights, called with noise alone.

    In training mode it mixes styles: with probability ``mix_prob`` the layers above one drawn for
    the batch take the W latents of a second noise; and it follows the mean of W. All draws are made
    on the device. In evaluation mode it can truncate,
    :math:`w \leftarrow \bar w + \psi (w - \bar w)`. Autocast around it has no effect, since its
    blocks choose their precision themselves: ``num_fp16_scales`` is what makes it half.

    Source: Karras et al., CVPR 2019 (mixing, truncation), CVPR 2020 (architecture).

    Args:
        out_size: Side of the images in pixels, a power of 2 from 8 to 1024.
        style_channels: Numbers in a latent.
        mix_prob: Probability of mixing, in [0, 1].
        w_avg_beta: What the mean of W keeps of itself in an iteration, in [0, 1).
        **kwargs: Of mmagic's ``StyleGAN2Generator``: ``channel_multiplier``, ``num_mlps``,
            ``num_fp16_scales`` (the highest resolutions in half precision), ``bgr2rgb`` …

    Attributes:
        w_avg: Mean of W, a buffer (C,).

    Raises:
        ValueError: If an argument is out of its range, or the generator would be conditional.

    Example:
        >>> import torch
        >>> generator = StyleGAN2Generator(out_size=8, style_channels=16, num_mlps=1)
        >>> generator(torch.randn(2, 16)).shape
        torch.Size([2, 3, 8, 8])
    """

    def __init__(
        self,
        out_size: int,
        style_channels: int = 512,
        mix_prob: float = 0.9,
        w_avg_beta: float = 0.995,
        **kwargs,
    ) -> None:
        if out_size not in (8, 16, 32, 64, 128, 256, 512, 1024):
            raise ValueError(f'out_size must be a power of 2 from 8 to 1024, got {out_size!r}')
        check_integers(style_channels=style_channels)
        check_interval('[0, 1]', mix_prob=mix_prob)
        check_interval('[0, 1)', w_avg_beta=w_avg_beta)
        if kwargs.get('cond_size') or kwargs.get('noise_size', style_channels) != style_channels:
            raise ValueError('cond_size and noise_size are not for this generator: leave them out')
        super().__init__(out_size, style_channels, mix_prob=mix_prob, **kwargs)
        self.w_avg_beta = w_avg_beta
        self.register_buffer('w_avg', torch.zeros(style_channels))

    def train(self, mode: bool = True) -> 'StyleGAN2Generator':
        """Set the mode, without mmagic's message at every change."""
        return nn.Module.train(self, mode)

    def forward(
        self, noise: Tensor, truncation: float = 1.0, return_latents: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Images of noise.

        Args:
            noise: (B, C), N(0, 1).
            truncation: ψ, 1 for none; in evaluation mode only.
            return_latents: Also return the latents of all layers, in the graph of the images; the
                mean of W is left alone then.

        Returns:
            Images (B, 3, S, S), about [-1, 1], and if asked for the latents (B, L, C).
        """
        # mmagic's blocks leave autocast, and refuse the half-precision latents it would hand them.
        with without_autocast(noise.device):
            return self._generate(noise, truncation, return_latents)

    def _generate(
        self, noise: Tensor, truncation: float, return_latents: bool
    ) -> Tensor | tuple[Tensor, Tensor]:
        latents = self.style_mapping(noise)
        if self.training and not return_latents:
            mean = latents.detach().mean(dim=0).to(self.w_avg)
            all_reduce(mean, op='mean')
            self.w_avg.lerp_(mean, 1 - self.w_avg_beta)
        if truncation != 1 and not self.training:
            latents = self.w_avg.lerp(latents, truncation)
        latents = latents.unsqueeze(1).repeat(1, self.num_latents, 1)
        if self.training and self.mix_prob > 0:
            latents = self._mixed(latents, self.style_mapping(torch.randn_like(noise)))
        images = super().forward([latents], input_is_latent=True)
        return (images, latents) if return_latents else images

    def _mixed(self, latents: Tensor, others: Tensor) -> Tensor:
        layer = torch.arange(self.num_latents, device=latents.device)
        first = torch.randint(1, self.num_latents, (), device=latents.device)
        mixes = torch.rand((), device=latents.device) < self.mix_prob
        taken = ((layer >= first) & mixes).view(1, -1, 1)
        return torch.where(taken, others.unsqueeze(1), latents)
