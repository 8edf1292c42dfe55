"""Positive views for contrastive learning."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval
from mmfncontra.utils.precision import widen


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
        check_interval('(0, 180]', max_angle=max_angle)
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
        wide = widen(images)
        cos, sin = torch.cos(angle).to(wide), torch.sin(angle).to(wide)
        # Sums, not F.affine_grid: its product of matrices is bfloat16 under autocast, or TF32, and
        # moves pixels by up to 2 at 1024 pixels a side.
        y, x = (
            (2 * torch.arange(size, dtype=wide.dtype, device=wide.device) + 1) / size - 1
            for size in wide.shape[2:]
        )
        y = y[:, None]
        grid = torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
        grid = grid.expand(len(wide), -1, -1, -1)
        return F.grid_sample(wide, grid, align_corners=False).to(images.dtype)
