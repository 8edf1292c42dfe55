"""One test image as every model restores it."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from mmfncontra.models.wavelets import decompose

from .report import NAMES


def busiest(image: np.ndarray, size: int) -> tuple[int, int]:
    """Top and left of the square with the most detail.

    Args:
        image: (H, W, 3) of even sides.
        size: Side of the square, even.

    Returns:
        Its first row and column.
    """
    x = torch.from_numpy(image.copy()).float().permute(2, 0, 1)
    _, (detail,) = decompose(x)
    inside = F.avg_pool2d(detail.abs().mean(dim=(0, 1))[None], size // 2, stride=1)[0]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return 2 * int(top), 2 * int(left)


def write_picture(images: Mapping[str, np.ndarray], out: Path, size: int = 80) -> None:
    """Plot crops side by side.

    Args:
        images: Restored images (H, W, 3), uint8, RGB, by config, and the ``truth``.
        out: PNG to write.
        size: Side of the crop, which is where the truth has the most detail.
    """
    size = min(size, *images['truth'].shape[:2])
    top, left = busiest(images['truth'], size)
    panels = [('truth', 'ground truth'), *NAMES.items(), ('bicubic', 'bicubic')]
    panels += [(f'{name}_contrast', f'{title} + contrast') for name, title in NAMES.items()]
    figure, axes = plt.subplots(2, 4, figsize=(10, 5.4), layout='constrained')
    for axis, (name, title) in zip(axes.flat, panels, strict=True):
        axis.imshow(images[name][top : top + size, left : left + size], interpolation='nearest')
        axis.set_title(title, fontsize=11)
        axis.axis('off')
    figure.savefig(out, dpi=100)
    plt.close(figure)
