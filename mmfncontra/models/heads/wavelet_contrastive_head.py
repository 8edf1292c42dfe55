"""Instance embedding and wavelet prototypes from a discriminator's feature maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers


def wavelet_prototype(feature: Tensor) -> Tensor:
    r"""Sum of the three Haar detail sub-bands of a feature map, averaged over channels.

    In a 2×2 block [a b; c d] the sum LH + HL + HH is :math:`2d - (a + b + c + d)/2`. Mean over
    channels and filters commute, so the channels are averaged first.

    Args:
        feature: A feature map, (B, C, h, w) with even h and w.

    Returns:
        Its prototype, (B, h/2, w/2), at least in float32: it is a difference of near numbers.

    Raises:
        ValueError: If h or w is odd.
    """
    height, width = feature.shape[-2:]
    if height % 2 or width % 2:
        raise ValueError(f'a prototype needs a feature map of even size, got {height}x{width}')
    mean = feature.mean(dim=1, dtype=torch.promote_types(feature.dtype, torch.float32))
    return 2 * mean[:, 1::2, 1::2] - 2 * F.avg_pool2d(mean.unsqueeze(1), 2).squeeze(1)


@MODELS.register_module()
class WaveletContrastiveHead(nn.Module):
    """The contrastive head of FNContra on a discriminator's feature maps.

    The instance embedding of an image comes from the last map: Conv 4×4 (C → C/2), BatchNorm, ReLU,
    Conv 3×3 stride 2 (C/2 → C/4), BatchNorm, flatten; 512 numbers for FastGAN's 512×8×8. Maps below
    6×6 are padded by one pixel first: 128 numbers for StyleGAN2's 512×4×4. Its wavelet prototypes
    come from the maps before (:func:`wavelet_prototype`).

    Source: Yang et al., Expert Systems with Applications 263, 2025.

    Args:
        in_channels: Channels C of the last map, at least 4.
        in_size: Height and width of the last map, at least 4.
        embed: Whether there is a projector; without it no embedding can be asked for.

    Raises:
        ValueError: If the last map is too narrow or too small for the projector.

    Example:
        >>> import torch
        >>> head = WaveletContrastiveHead(in_channels=64)
        >>> maps = [torch.randn(2, 8, 32, 32), torch.randn(2, 64, 8, 8)]
        >>> embedding, prototypes = head(maps)
        >>> embedding.shape, [tuple(p.shape) for p in prototypes]
        (torch.Size([2, 64]), [(2, 16, 16)])
    """

    role = 'head'

    def __init__(self, in_channels: int = 512, in_size: int = 8, embed: bool = True) -> None:
        super().__init__()
        check_integers(4, in_channels=in_channels, in_size=in_size)
        self.in_channels = in_channels
        padding = 1 if in_size < 6 else 0
        self.embedding_size = in_channels // 4 * ((in_size + 2 * padding - 6) // 2 + 1) ** 2
        self.projector = self._projector(in_channels, padding) if embed else None

    @staticmethod
    def _projector(channels: int, padding: int) -> nn.Sequential:
        layers = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 4, padding=padding, bias=False),
            nn.BatchNorm2d(channels // 2),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels // 4, 3, stride=2, bias=False),
            nn.BatchNorm2d(channels // 4),
        )
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1.0, 0.02)
        return layers

    def embed(self, feature: Tensor) -> Tensor:
        """Instance embedding (B, E) of the last map (B, C, h, w).

        Raises:
            ValueError: If the head was built with ``embed=False``, or is trained on a single image
                where BatchNorm is left with one number of it.
        """
        if self.projector is None:
            raise ValueError('this head was built with embed=False and has no embedding')
        single = len(feature) == 1 and self.embedding_size == self.in_channels // 4
        if single and self.training:
            raise ValueError(
                'the embedding of a last map this small needs batches of 2 images or more: set '
                'train_dataloader.batch_size, or leave DWCL out with model.contrast.dwcl=None'
            )
        # Blocks in half precision, without autocast, hand on half-precision maps.
        return self.projector(feature.to(self.projector[0].weight.dtype)).flatten(1)

    def prototypes(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Wavelet prototypes (B, h_i/2, w_i/2) of the maps (B, C_i, h_i, w_i)."""
        return [wavelet_prototype(feature) for feature in features]

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Embedding and prototypes.

        Args:
            features: Feature maps, shallow to deep; the last one is embedded, the others give a
                prototype each.

        Returns:
            Embedding (B, E) and the prototypes [(B, h_i/2, w_i/2)].
        """
        *trunk, last = features
        return self.embed(last), self.prototypes(trunk)
