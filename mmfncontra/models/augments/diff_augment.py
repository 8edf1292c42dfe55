"""Differentiable augmentation of real and generated images."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    """One draw per image from U(low, high), (B, 1, 1, 1)."""
    draw = torch.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device)
    return low + (high - low) * draw


def random_color(images: Tensor) -> Tensor:
    """Brightness shifted by U(-0.5, 0.5), saturation scaled by U(0, 2), contrast by U(0.5, 1.5)."""
    images = images + _uniform(images, -0.5, 0.5)
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * _uniform(images, 0.0, 2.0)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * _uniform(images, 0.5, 1.5)


def random_translation(images: Tensor, ratio: float = 0.125) -> Tensor:
    """Each image shifted by whole pixels, up to ``ratio`` of its size, and filled with 0."""
    for axis in (2, 3):
        images = _shift(images, axis, ratio)
    return images


def _shift(images: Tensor, axis: int, ratio: float) -> Tensor:
    size = images.shape[axis]
    most = round(size * ratio)
    shift = torch.randint(-most, most + 1, (len(images), 1), device=images.device)
    source = torch.arange(size, device=images.device) - shift  # (B, size)
    shape = [len(images), 1, 1, 1]
    shape[axis] = size
    inside = ((source >= 0) & (source < size)).view(shape)
    index = source.clamp(0, size - 1).view(shape).expand_as(images)
    return images.gather(axis, index) * inside


def random_cutout(images: Tensor, ratio: float = 0.5) -> Tensor:
    """A square of ``ratio`` of each image's size, anywhere over it, set to 0."""
    keep = torch.zeros((), dtype=torch.bool, device=images.device)
    for axis in (2, 3):
        size = images.shape[axis]
        side = round(size * ratio)
        centre = torch.randint(0, size + 1 - side % 2, (len(images), 1), device=images.device)
        offset = torch.arange(size, device=images.device) - centre + side // 2
        shape = [len(images), 1, 1, 1]
        shape[axis] = size
        keep = keep | ((offset < 0) | (offset >= side)).view(shape)
    return images * keep


@MODELS.register_module()
class DiffAugment(nn.Module):
    """Random changes of every image that gradients pass through.

    Source: Zhao et al., NeurIPS 2020 (differentiable augmentation).

    Args:
        policy: Comma-separated names or a list, applied in order: ``color``, ``translation``,
            ``cutout``.
        cutout: Side of the square that is cut out, a share of the image's, in (0, 1).

    Raises:
        ValueError: If a name is unknown or a number out of its range.

    Example:
        >>> DiffAugment('color,translation')(torch.zeros(2, 3, 16, 16)).shape
        torch.Size([2, 3, 16, 16])
    """

    AUGMENTS: ClassVar = dict(
        color=random_color, translation=random_translation, cutout=random_cutout
    )

    def __init__(
        self, policy: str | Sequence[str] = 'color,translation', cutout: float = 0.5
    ) -> None:
        super().__init__()
        check_interval('(0, 1)', cutout=cutout)
        names = policy.split(',') if isinstance(policy, str) else list(policy)
        names = [name.strip() for name in names]
        unknown = [name for name in names if name not in self.AUGMENTS]
        if unknown:
            raise ValueError(f'policy must be made of {list(self.AUGMENTS)}, got {policy!r}')
        self.policy = tuple(names)
        self.cutout = cutout

    def forward(self, images: Tensor) -> Tensor:
        """Augmented images.

        Args:
            images: (B, 3, S, S) in [-1, 1].

        Returns:
            The augmented images, same shape, draws of their own for every image.
        """
        for name in self.policy:
            sizes = (self.cutout,) if name == 'cutout' else ()
            images = self.AUGMENTS[name](images, *sizes)
        return images
