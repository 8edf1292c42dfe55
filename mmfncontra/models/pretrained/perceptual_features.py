"""What networks of the LPIPS family say of images, and how far apart two of their answers are.

Such a network has a ``scaling_layer``, five maps of its trunk ``net`` and for each of them in
``lins`` the weights of its channels, as the ``lpips`` package names them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.utils.precision import widen


def unit_features(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Maps of the trunk, every pixel's features scaled to length 1.

    Args:
        network: One of the LPIPS family.
        images: (B, 3, H, W) in [-1, 1].

    Returns:
        A map (B, C_l, H_l, W_l) of each layer, float32.
    """
    return [_unit(maps) for maps in network.net(network.scaling_layer(images))]


def _unit(maps: Tensor) -> Tensor:
    maps = widen(maps)
    # Beside torch's norm over channels and a quotient this takes half the time on a CPU; the
    # small number keeps the gradient finite where no channel answers.
    length = (maps.square().sum(dim=1, keepdim=True) + 1e-20).sqrt()
    return maps * (1 / (length + 1e-10))


def channel_weights(network: nn.Module) -> list[Tensor]:
    """Weights of the channels of each layer, (C_l,), 0 or more."""
    return [lin.model[-1].weight.flatten() for lin in network.lins]


def squared_differences(features: Sequence[Tensor], others: Sequence[Tensor]) -> list[Tensor]:
    """Mean over the pixels of squared differences, (B, C_l) for each layer."""
    return [(x - y).square().mean(dim=(2, 3)) for x, y in zip(features, others, strict=True)]


def layer_distances(
    network: nn.Module, features: Sequence[Tensor], others: Sequence[Tensor]
) -> Tensor:
    """What each layer adds to the distance of images.

    Args:
        network: One of the LPIPS family.
        features: :func:`unit_features` of images (B, 3, H, W).
        others: Those of others of the same shape.

    Returns:
        (layers, B), 0 or more; the sum over the layers is the distance.
    """
    squares = squared_differences(features, others)
    # No product of vectors: under autocast a GPU's is bfloat16.
    return torch.stack(
        [(s * w).sum(dim=1) for s, w in zip(squares, channel_weights(network), strict=True)]
    )
