"""Discriminator that sees the fine detail of images alone."""

from itertools import pairwise

from torch import Tensor, nn

from mmfncontra.models.wavelets import decompose, filter_bank
from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers


@MODELS.register_module()
class FrequencyDiscriminator(nn.Module):
    """Tells real images from restored ones by their wavelet detail, and embeds them by the way.

    One level of the wavelet transform splits the image; its detail sub-bands LH, HL and HH (3·C
    channels at half the size) go through ``num_stages`` convolutions 3×3, each followed by
    LeakyReLU(0.2): the first keeps the size, every other one halves it (odd sides are rounded up)
    and doubles the channels. Global average pooling and a linear layer give the logit. What blur
    takes from an image is all that this network sees of it, so its feature maps are a space in
    which sharp and blurred images are far apart: the embedding of ``RestorationContrastLoss``.

    There is no normalisation, so that an image's features do not depend on the batch that it is
    in: restored, real and blurred images can pass together or apart. Convolutions are drawn as in
    He et al., ICCV 2015, with biases of zero: detail is small (some hundredths for images in
    [0, 1]), and cosines of features would else be those of the biases.

    Source: Wu, Jiang, Liu, *A Practical Contrastive Learning Framework for Single-Image
    Super-Resolution*, IEEE TNNLS 2023 (PCL-SR), whose embedding network is a discriminator on Haar
    sub-bands; the layers are our own.

    Args:
        in_channels: Channels C of the images.
        base_channels: Channels of the first stage.
        num_stages: Number of convolutions.
        wavelet: Name of an orthogonal or biorthogonal discrete wavelet of PyWavelets.

    Raises:
        ValueError: If a number is no positive integer or the wavelet is unknown.

    Example:
        >>> import torch
        >>> discriminator = FrequencyDiscriminator(base_channels=8, num_stages=3)
        >>> images = torch.rand(2, 3, 32, 32)
        >>> discriminator(images).shape
        torch.Size([2, 1])
        >>> [tuple(x.shape) for x in discriminator.features(images)]
        [(2, 8, 16, 16), (2, 16, 8, 8), (2, 32, 4, 4)]
    """

    role = 'discriminator'

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: int = 4,
        wavelet: str = 'haar',
    ) -> None:
        super().__init__()
        check_integers(in_channels=in_channels, base_channels=base_channels, num_stages=num_stages)
        self.bank = filter_bank(wavelet)
        self.in_channels = in_channels
        widths = [3 * in_channels, *(base_channels * 2**i for i in range(num_stages))]
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, wider, 3, stride=2 if i else 1, padding=1), nn.LeakyReLU(0.2)
            )
            for i, (width, wider) in enumerate(pairwise(widths))
        )
        self.logit = nn.Linear(widths[-1], 1)
        for stage in self.stages:
            nn.init.kaiming_normal_(stage[0].weight, a=0.2)
            nn.init.zeros_(stage[0].bias)

    def features(self, images: Tensor) -> list[Tensor]:
        """Feature maps of the stages.

        Args:
            images: (B, C, H, W) of even sides, floating point, in any range.

        Returns:
            Maps (B, C_i, h_i, w_i), shallow to deep, one a stage; the first has half the sides of
            the images.

        Raises:
            ValueError: If the images have other channels, or an odd side.
        """
        if images.ndim != 4 or images.size(1) != self.in_channels:
            raise ValueError(
                f'images must have the shape (B, {self.in_channels}, H, W), got '
                f'{tuple(images.shape)}'
            )
        if images.size(2) % 2 or images.size(3) % 2:
            raise ValueError(
                f'images must have even sides, got {images.size(2)}x{images.size(3)}: crop or pad '
                'them by a pixel'
            )
        _, (detail,) = decompose(images, self.bank)
        maps, x = [], detail.flatten(1, 2)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 1) of the images (B, C, H, W) being real."""
        return self.logit(self.features(images)[-1].mean(dim=(2, 3)))

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'wavelet={self.bank.name!r}'
