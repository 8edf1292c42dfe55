"""What is in a folder or zip of images: each file read and decoded once."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmfncontra.datasets.image_reading import open_image, read_image, resize_image
from mmfncontra.datasets.image_source import ImageSource
from mmfncontra.datasets.low_content import low_content
from mmfncontra.utils.checks import check_interval
from mmfncontra.utils.threaded_map import threaded_map

from .flip_safety import TEXTURE_SHAPE, texture_histograms

# Side of the picture that local texture is taken from, and of the one that images are compared by.
VIEW_SIZE = 256
THUMBNAIL_SIZE = 64
_EXIF_ORIENTATION = 0x0112
_PROGRESS_FROM = 200


def _empty_thumbnail() -> np.ndarray:
    return np.zeros((THUMBNAIL_SIZE, THUMBNAIL_SIZE, 3), np.uint8)


@dataclass(frozen=True)
class ImageFacts:
    """What one file is.

    Attributes:
        name: Path relative to the folder or zip.
        error: Why it cannot be used, beginning with the name; empty for a good image. The other
            fields have their defaults then.
        width: Pixels across, after the EXIF orientation is applied.
        height: Pixels down.
        format: Such as 'JPEG', by the content, whatever the suffix.
        mode: Colour mode of the file: 'RGB', 'RGBA', 'L', 'P', 'CMYK', …, '16-bit' for deep grey.
        has_alpha: Whether it can be transparent; transparent parts become white.
        is_rotated: Whether its EXIF orientation turns or mirrors it.
        digest: Hash of size and decoded pixels.
        low_content: Why it hardly teaches anything, such as 'nearly black'; empty for most.
        thumbnail: 64 × 64 × 3 of the central square, uint8.
        textures: Local patterns, see :func:`texture_histograms`.
    """

    name: str
    error: str = ''
    width: int = 0
    height: int = 0
    format: str = ''
    mode: str = ''
    has_alpha: bool = False
    is_rotated: bool = False
    digest: str = ''
    low_content: str = ''
    thumbnail: np.ndarray = field(default_factory=_empty_thumbnail, repr=False, compare=False)
    textures: np.ndarray = field(
        default_factory=lambda: np.zeros(TEXTURE_SHAPE, np.float32), repr=False, compare=False
    )

    @property
    def side(self) -> int:
        """The shorter side in pixels: the largest size that needs no enlarging."""
        return min(self.width, self.height)

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height


def inspect_image(data: bytes, name: str) -> ImageFacts:
    """Look at one image file.

    Args:
        data: The contents of the file.
        name: What the facts call it.

    Returns:
        Its facts; those of a broken file hold an ``error``.
    """
    try:
        image = read_image(data, name)
    except ValueError as error:
        return ImageFacts(name, error=str(error))
    # The header again, without pixels: the upright RGB image no longer tells what the file was.
    with open_image(data) as header:
        mode, kind = header.mode, header.format or ''
        has_alpha = mode in ('RGBA', 'RGBa', 'LA', 'PA') or 'transparency' in header.info
        # The method of the base class: that of PNG images decodes them.
        orientation = Image.Image.getexif(header).get(_EXIF_ORIENTATION, 1)
    if mode.startswith('I'):
        mode = '16-bit'
    digest = hashlib.blake2b(f'{image.size}'.encode(), digest_size=16)
    digest.update(image.tobytes())
    view = resize_image(image, min(VIEW_SIZE, *image.size))
    return ImageFacts(
        name=name,
        width=image.width,
        height=image.height,
        format=kind,
        mode=mode,
        has_alpha=has_alpha,
        is_rotated=orientation in range(2, 9),
        digest=digest.hexdigest(),
        low_content=low_content(view),
        thumbnail=resize_image(view, THUMBNAIL_SIZE),
        textures=texture_histograms(view),
    )


def inspect_images(source: ImageSource) -> list[ImageFacts]:
    """Look at every image of a folder or zip.

    Args:
        source: Where they are.

    Returns:
        The facts in the order of ``source.names``.
    """

    def inspect(name: str) -> ImageFacts:
        try:
            data = source.read(name)
        except ValueError as error:
            return ImageFacts(name, error=str(error))
        return inspect_image(data, name)

    show = len(source.names) > _PROGRESS_FROM and sys.stderr.isatty()
    facts = threaded_map(inspect, source.names)
    bar = tqdm(facts, total=len(source.names), desc='Reading images', disable=not show, leave=False)
    return list(bar)


def find_classes(names: Sequence[str]) -> dict[str, int]:
    """Folders that could be classes.

    Args:
        names: Paths of images relative to their root.

    Returns:
        Number of images by top folder, in the order of the names; empty unless all images are in
        folders and there are two or more of these.

    Example:
        >>> find_classes(['cats/1.png', 'cats/2.png', 'dogs/1.png'])
        {'cats': 2, 'dogs': 1}
        >>> find_classes(['cats/1.png', '2.png'])
        {}
    """
    counts: dict[str, int] = {}
    for name in names:
        folder, slash, _ = name.partition('/')
        if not slash:
            return {}
        counts[folder] = counts.get(folder, 0) + 1
    return counts if len(counts) > 1 else {}


def fitting_size(sides: Sequence[int], sizes: Sequence[int], share: float = 0.95) -> int:
    """The largest size that nearly all images reach.

    Args:
        sides: Shorter sides of the images in pixels.
        sizes: Sizes to choose from.
        share: Part of the images that must reach it, in (0, 1].

    Returns:
        The size; the smallest where images reach none.

    Raises:
        ValueError: If there are no images or no sizes, or ``share`` is out of range.

    Example:
        >>> fitting_size([300, 256, 1024], (64, 128, 256, 512))
        256
    """
    if not len(sides) or not len(sizes):
        raise ValueError(f'sides and sizes must not be empty, got {len(sides)} and {len(sizes)}')
    check_interval('(0, 1]', share=share)
    found = np.asarray(sides)
    reached = [size for size in sizes if np.mean(found >= size) >= share]
    return max(reached, default=min(sizes))
