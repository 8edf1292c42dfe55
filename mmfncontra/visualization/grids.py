"""Grids of images."""

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torchvision.utils import make_grid as _make_grid

from mmfncontra.utils.checks import check_images, check_integers


def make_grid(
    images: np.ndarray, nrow: int | None = None, padding: int = 2, least_side: int = 1
) -> np.ndarray:
    """Lay images out row by row.

    Args:
        images: uint8 RGB, (N, H, W, 3).
        nrow: Images per row; None makes the grid about square.
        padding: White pixels between the images.
        least_side: Images of fewer pixels are enlarged by a whole number, up to it at the most.

    Returns:
        uint8 RGB, (rows, columns, 3).

    Raises:
        ValueError: If ``images`` has another type or shape, or ``nrow`` is not a positive
            integer.
    """
    check_images(images)
    if nrow is None:
        nrow = math.ceil(math.sqrt(len(images)))
    check_integers(nrow=nrow)
    scale = max(1, least_side // images.shape[1])
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    tensor = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    grid = _make_grid(tensor, nrow=nrow, padding=padding, pad_value=255)
    return grid.permute(1, 2, 0).numpy()


def save_png(image: np.ndarray, path: str | Path, **texts: str) -> Path:
    """Write an image, creating the folder it belongs in.

    Args:
        image: uint8 RGB, (H, W, 3).
        path: Where to write it.
        **texts: What to write into the file besides, by keyword.

    Returns:
        The path.
    """
    path = Path(path)
    chunks = PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, format='PNG', pnginfo=chunks)
    return path
