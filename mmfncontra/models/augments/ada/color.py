"""Colour transforms of ADA, as matrices on homogeneous colours (r, g, b, 1)."""

import math

import torch
from torch import Tensor

from .draw import Draw
from .geometry import product


def color_matrix(draw: Draw) -> Tensor:
    """Brightness, contrast, luma flip, hue and saturation, in this order.

    With the grey axis v = (1, 1, 1)/√3 and V = v vᵀ, the three last ones are the reflection
    I - 2V, the rotation about v, and V + s(I - V).

    Args:
        draw: The batch's draws.

    Returns:
        (B, 3, 4): a linear part and a shift; exactly the identity for an image that no transform
        was drawn for.
    """
    brightness = draw.applied(draw.normal(0.2), 0.0)
    contrast = draw.applied(draw.lognormal(0.5 * math.log(2)), 1.0)
    flip = draw.applied(draw.choice(2), 0.0)
    hue = draw.applied(draw.uniform(-math.pi, math.pi), 0.0)
    saturation = draw.applied(draw.lognormal(math.log(2)), 1.0)
    brightness, contrast, flip, hue, saturation = (
        parameter[:, None, None] for parameter in (brightness, contrast, flip, hue, saturation)
    )
    identity = torch.eye(3, dtype=hue.dtype, device=hue.device)
    onto_grey = torch.full_like(identity, 1 / 3)
    # v × c: the next channel but one minus the next one.
    cross = (identity.roll(-1, 1).T - identity.roll(-1, 1)) / math.sqrt(3)

    linear = contrast * identity
    linear = product(identity - 2 * flip * onto_grey, linear)
    # Rodrigues' formula; written around the identity, so that no change is exactly none.
    rotation = identity + hue.sin() * cross + (1 - hue.cos()) * (onto_grey - identity)
    linear = product(rotation, linear)
    linear = product(identity + (saturation - 1) * (identity - onto_grey), linear)
    shift = linear.sum(dim=2, keepdim=True) * brightness
    return torch.cat([linear, shift], dim=2)


def recolor(images: Tensor, matrix: Tensor) -> Tensor:
    """Apply colour matrices.

    Args:
        images: (B, 3, H, W).
        matrix: (B, 3, 4), a linear part and a shift.

    Returns:
        (B, 3, H, W).
    """
    # Written out: a product of matrices could run in TF32 and change images left alone.
    red, green, blue, shift = matrix[..., None, None].unbind(2)
    r, g, b = images.split(1, dim=1)
    return red * r + green * g + blue * b + shift
