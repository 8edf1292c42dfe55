"""What the metrics on arrays of images share: sizes, chunks, thumbnails."""

from collections.abc import Iterator

import numpy as np

from mmfncontra.datasets import resize_image
from mmfncontra.utils.checks import check_images

THUMBNAIL = 32
"""Side in pixels of the reduced images in which distances are measured."""

ROUNDING_POWER = 1 / 12
"""Variance of rounding to whole grey levels; below it 8-bit images carry nothing."""

_CHUNK_VALUES = 2**22


def check_same_size(**arguments: np.ndarray) -> None:
    """Check several arrays of images, and that all of their images have one size.

    Args:
        **arguments: uint8 RGB arrays (N, H, W, 3) by the names that the message gives them.

    Raises:
        ValueError: If one is no array of images, or the sizes differ.
    """
    for name, images in arguments.items():
        check_images(images, name)
    sizes = {name: images.shape[1:3] for name, images in arguments.items()}
    if len(set(sizes.values())) > 1:
        listed = ', '.join(f'{name} {h}x{w}' for name, (h, w) in sizes.items())
        raise ValueError(
            f'{" and ".join(sizes)} must have images of the same size, got {listed}: '
            'resize them in the same way first'
        )


def iterate_chunks(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield consecutive views of an array, each of about four million values, at least one image.

    Args:
        images: (N, H, W, 3).

    Yields:
        (B, H, W, 3), which is no copy.
    """
    step = max(1, _CHUNK_VALUES // images[0].size)
    for start in range(0, len(images), step):
        yield images[start : start + step]


def reduce_images(images: np.ndarray) -> np.ndarray:
    """Reduce images to thumbnails, antialiased and whole: a side is squashed rather than cropped.

    Thumbnails come back unchanged, so images that go through several metrics can be reduced once
    and given to each.

    Args:
        images: uint8 RGB, (N, H, W, 3).

    Returns:
        uint8 RGB, (N, 32, 32, 3); see :data:`THUMBNAIL`.

    Raises:
        ValueError: If ``images`` is no array of images.

    Example:
        >>> reduce_images(np.zeros((2, 64, 64, 3), np.uint8)).shape
        (2, 32, 32, 3)
    """
    check_images(images)
    if images.shape[1:3] == (THUMBNAIL, THUMBNAIL):
        return images
    return np.stack([resize_image(image, THUMBNAIL, 'stretch') for image in images])
