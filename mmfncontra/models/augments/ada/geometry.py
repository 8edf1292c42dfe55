"""Geometric transforms of ADA, as matrices.

Positions are in pixels from the centre of the image, x to the right and y down. The matrices are
inverse: they take a place of the result to the place of the image where its colour is found. The
inverse of a sequence of transforms is the product of their inverses from left to right.
"""

import math

import torch
from torch import Tensor

from .draw import Draw


def matrix(*rows: tuple[Tensor | float, ...]) -> Tensor:
    """Matrices (B, n, n) from rows of numbers and (B,) tensors, at least one of them a tensor."""
    like = next(entry for row in rows for entry in row if isinstance(entry, Tensor))
    entries = [
        entry if isinstance(entry, Tensor) else torch.full_like(like, entry)
        for row in rows
        for entry in row
    ]
    return torch.stack(entries, dim=1).unflatten(1, (len(rows), -1))


def product(a: Tensor, b: Tensor) -> Tensor:
    """Products of small matrices, (..., n, n) and (..., n, n): sums, which never run in TF32.

    A GPU's matrix product may, and pixels then move by up to 2 at 1024 pixels a side.
    """
    return (a.unsqueeze(-1) * b.unsqueeze(-3)).sum(dim=-2)


def scaling(x: Tensor, y: Tensor | float) -> Tensor:
    """Homogeneous scaling, (B, 3, 3)."""
    return matrix((x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, 1.0))


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Homogeneous translation, (B, 3, 3)."""
    return matrix((1.0, 0.0, x), (0.0, 1.0, y), (0.0, 0.0, 1.0))


def rotation(cos: Tensor, sin: Tensor) -> Tensor:
    """Homogeneous rotation, (B, 3, 3)."""
    return matrix((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0))


def blit_inverse(draw: Draw, size: int) -> Tensor:
    """Inverse of a flip, a rotation by quarter turns and a translation by whole pixels.

    Args:
        draw: The batch's draws.
        size: S, side of the images in pixels.

    Returns:
        (B, 3, 3), its entries whole numbers.
    """
    inverse = scaling(1 - 2 * draw.applied(draw.choice(2), 0.0), 1.0)
    turn = draw.applied(draw.choice(4), 0.0) * (math.pi / 2)
    inverse = product(inverse, rotation(turn.cos().round(), turn.sin().round()))
    shift = torch.stack([draw.uniform(-0.125, 0.125), draw.uniform(-0.125, 0.125)], dim=1)
    shift = draw.applied((shift * size).round(), 0.0)
    return product(inverse, translation(*(-shift).unbind(1)))


def geometric_inverse(draw: Draw, size: int) -> Tensor:
    """Inverse of scalings, rotations and a fractional translation.

    Args:
        draw: The batch's draws.
        size: S, side of the images in pixels.

    Returns:
        (B, 3, 3); exactly the identity for an image that no transform was drawn for.
    """
    scale = 1 / draw.applied(draw.lognormal(0.2 * math.log(2)), 1.0)
    inverse = scaling(scale, scale)
    inverse = product(inverse, _random_rotation(draw))
    stretch = draw.applied(draw.lognormal(0.2 * math.log(2)), 1.0)
    inverse = product(inverse, scaling(1 / stretch, stretch))
    inverse = product(inverse, _random_rotation(draw))
    shift = torch.stack([draw.normal(0.125), draw.normal(0.125)], dim=1)
    shift = draw.applied(shift * size, 0.0)
    return product(inverse, translation(*(-shift).unbind(1)))


def _random_rotation(draw: Draw) -> Tensor:
    angle = draw.applied(draw.uniform(-math.pi, math.pi), 0.0, draw.p_rotation)
    return rotation(angle.cos(), angle.sin())


def changes(inverse: Tensor) -> Tensor:
    """Which matrices differ from the identity: (B, n, n) to (B, 1, 1, 1)."""
    identity = torch.eye(inverse.size(-1), dtype=inverse.dtype, device=inverse.device)
    return (inverse != identity).flatten(1).any(dim=1)[:, None, None, None]
