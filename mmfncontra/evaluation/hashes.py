"""Hashes of content: images and texts, whatever they are called."""

import hashlib
from collections.abc import Sequence

import numpy as np

from mmfncontra.utils.checks import check_image


def text_hash(text: str) -> str:
    """First 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:16]


def content_digests(images: Sequence[np.ndarray]) -> np.ndarray:
    """SHA-256 of the pixels of each image; names, dates and compression of files play no part.

    Args:
        images: Images (H, W, 3), uint8.

    Returns:
        (N, 32), uint8.

    Raises:
        ValueError: If an image is not uint8 RGB.

    Example:
        >>> import numpy as np
        >>> content_digests(np.zeros((2, 4, 4, 3), np.uint8)).shape
        (2, 32)
    """
    digests = np.empty((len(images), 32), np.uint8)
    for i in range(len(images)):
        image = images[i]
        check_image(image, f'images[{i}]')
        digest = hashlib.sha256(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image))
        digests[i] = np.frombuffer(digest.digest(), np.uint8)
    return digests


def set_sha256(digests: np.ndarray) -> str:
    """SHA-256 of a set of images, whatever their order; 64 hexadecimal digits.

    Args:
        digests: What :func:`content_digests` returns, (N, 32).
    """
    return hashlib.sha256(b''.join(sorted(digest.tobytes() for digest in digests))).hexdigest()


def images_hash(images: Sequence[np.ndarray]) -> str:
    """First 16 hexadecimal digits of :func:`set_sha256` of some images.

    Args:
        images: Images (H, W, 3), uint8.
    """
    return set_sha256(content_digests(images))[:16]
