"""Small image files, in folders and zip archives."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image


def write_images(folder: Path, num: int = 6, size: int = 64) -> Path:
    """Write noise as PNG files that are named by their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (num, size, size, 3))):
        Image.fromarray(image.astype(np.uint8)).save(folder / f'{i}.png')
    return folder


def write_zip(
    path: Path | IO[bytes], contents: Mapping[str, bytes | str], method: int = zipfile.ZIP_STORED
) -> Path | IO[bytes]:
    """Write an archive of files by name."""
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path
