"""Positive views for contrastive learning."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS


@MODELS.register_module()
class RandomView(nn.Module):
    """One geometric change of the whole batch: a flip or a small rotation.

    The change is drawn uniformly from ``kinds``, once per batch, on the images' device; a rotation
    turns all images by one angle from U(-max_angle, max_angle) and fills with mid grey.

    Source: Yang et al., Expert Systems with Applications 263, 2025 (positive samples).

    Args:
        kinds: Some of ``hflip``, ``vflip``, ``rotate``.
        max_angle: Largest rotation in degrees, in (0, 180].

    Raises:
        ValueError: If a kind is unknown or ``max_angle`` is out of range.

    Example:
        >>> RandomView(kinds=['hflip'])(torch.arange(3.).view(1, 1, 1, 3)).flatten().tolist()
        [2.0, 1.0, 0.0]
    """

    KINDS = ('hflip', 'vflip', 'rotate')
    role = 'view'
    acts_on = 'images'

    def __init__(self, kinds: Sequence[str] = KINDS, max_angle: float = 30.0) -> None:
        super().__init__()
        if not kinds or any(kind not in self.KINDS for kind in kinds):
            raise ValueError(f'kinds must be some of {self.KINDS}, got {kinds}')
        if not 0 < max_angle <= 180:
            raise ValueError(f'max_angle must be in (0, 180] degrees, got {max_angle}')
        self.kinds = tuple(kinds)
        self.max_angle = max_angle

    def forward(self, images: Tensor) -> Tensor:
        """A view of the images.

        Args:
            images: (B, C, S, S) in [-1, 1].

        Returns:
            The view, of the same shape.
        """
        views = [getattr(self, f'_{kind}')(images) for kind in self.kinds]
        if len(views) == 1:
            return views[0]
        # All views are computed and one is picked on the device: they cost next to nothing beside a
        # forward of the discriminator, and the step needs no host synchronisation.
        choice = torch.randint(len(views), (1,), device=images.device)
        return torch.stack(views).index_select(0, choice).squeeze(0)

    @staticmethod
    def _hflip(images: Tensor) -> Tensor:
        return images.flip(-1)

    @staticmethod
    def _vflip(images: Tensor) -> Tensor:
        return images.flip(-2)

    def _rotate(self, images: Tensor) -> Tensor:
        angle = (2 * torch.rand((), device=images.device) - 1) * math.radians(self.max_angle)
        cos, sin, zero = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
        matrix = torch.stack([cos, -sin, zero, sin, cos, zero]).view(1, 2, 3).to(images.dtype)
        grid = F.affine_grid(
            matrix.expand(len(images), 2, 3), list(images.shape), align_corners=False
        )
        return F.grid_sample(images, grid, align_corners=False)
