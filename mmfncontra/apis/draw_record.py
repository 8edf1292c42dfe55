"""What an image was drawn from, kept in the image: draws of one folder are told apart by it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mmfncontra.utils.files import expand_home, file_hash

# Of PNG's text chunks.
KEY = 'draw'
GRID = 'grid.png'
_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.gif', '.tif', '.tiff')


@dataclass(frozen=True)
class FolderContent:
    """Images that are in a folder before a draw is written there.

    Attributes:
        same: Numbers of images of the same draw.
        others: Other numbered images and grids, which the draw would mix with or replace, by what
            they were drawn from; '' where they do not say it.
        foreign: Number of images by other names.
    """

    same: tuple[int, ...]
    others: dict[str, int]
    foreign: int

    def describe_others(self) -> str:
        """What :attr:`others` were drawn from, in words."""
        return ', '.join(
            f'{number} of {draw or "unknown origin"}' for draw, number in self.others.items()
        )


def describe_draw(
    checkpoint: str | Path,
    seed: int,
    use_ema: bool = True,
    truncation: float = 1.0,
    label: int | None = None,
) -> str:
    """What images depend on besides their numbers.

    Args:
        checkpoint: A ``.pth`` file.
        seed: Seed of the images.
        use_ema: Whether the averaged weights draw.
        truncation: ψ of a style-based generator.
        label: Class of all images.

    Returns:
        Words, the same for the same images.
    """
    path = expand_home(checkpoint)
    parts = [f'{path.name} ({file_hash(path)})', f'seed {seed}']
    parts += [] if use_ema else ['without EMA']
    parts += [] if truncation == 1 else [f'truncation {truncation:g}']
    parts += [] if label is None else [f'label {label}']
    return ', '.join(parts)


def look_into(folder: Path, draw: str) -> FolderContent:
    """Which images are in a folder.

    Args:
        folder: The folder, which need not be there.
        draw: From :func:`describe_draw`.

    Returns:
        What there is.
    """
    same, others, foreign = [], {}, 0
    for path in _images(folder):
        number = re.fullmatch(r'(\d{6,})\.png', path.name)
        if number is None and path.name != GRID:
            foreign += 1
            continue
        origin = _origin(path)
        if origin != draw:
            others[origin] = others.get(origin, 0) + 1
        elif number is not None:
            same.append(int(number[1]))
    return FolderContent(tuple(same), others, foreign)


def _images(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        files = sorted(folder.iterdir())
        yield from (p for p in files if p.suffix.lower() in _SUFFIXES and p.stat().st_size)


def _origin(path: Path) -> str:
    try:
        with Image.open(path) as image:
            return str(image.info.get(KEY, ''))
    except (OSError, SyntaxError, ValueError):
        return ''
