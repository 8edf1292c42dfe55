"""Near-duplicate images: those that are there more than once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Cosine of the gradients of two images: different photographs of hats and of shoes stay below 0.55,
# copies made brighter, smaller or by JPEG at quality 30 above 0.97.
_MIN_COSINE = 0.85
# Mean difference of the pixels (0 … 255) once brightness and contrast are matched.
_MAX_DIFFERENCE = 10.0
_SIDE = 32
_ROWS = 1024


@dataclass(frozen=True)
class Duplicates:
    """Groups of images that show the same, by index.

    An image is in one group of a kind at most; of an ``exact`` group only the first can be in a
    ``near`` one, and of a ``near`` group only the first in a ``mirrored`` one.

    Attributes:
        exact: The same pixels.
        near: The same picture with another brightness, contrast, size or compression.
        mirrored: The same picture with left and right exchanged.
        unique: Indices that remain if of each exact and near group only the first is kept.
    """

    exact: list[list[int]]
    near: list[list[int]]
    mirrored: list[list[int]]
    unique: list[int]


def find_duplicates(digests: Sequence[str], thumbnails: NDArray[np.uint8]) -> Duplicates:
    """Find images that are there more than once. Cut-outs and turned copies are not found.

    Two images are near if the gradients of their grey 32 × 32 versions have a cosine above 0.85 and
    if their colours differ by less than 10 levels on average once the best gain and offsets are
    applied. Every pair is compared.

    Args:
        digests: Hashes of the decoded pixels, one an image.
        thumbnails: N×S×S×3, S a multiple of 32.

    Returns:
        The groups.

    Raises:
        ValueError: If the numbers of digests and thumbnails differ.

    Example:
        >>> pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
        >>> pictures[2] = pictures[0, :, ::-1]
        >>> find_duplicates(['a', 'b', 'c'], pictures).mirrored
        [[0, 2]]
    """
    if len(digests) != len(thumbnails):
        raise ValueError(
            'digests and thumbnails must be of the same images, got '
            f'{len(digests)} and {len(thumbnails)}'
        )
    same: dict[str, list[int]] = {}
    for index, digest in enumerate(digests):
        same.setdefault(digest, []).append(index)
    exact = [group for group in same.values() if len(group) > 1]
    kept = np.array([group[0] for group in same.values()], int)
    near = _groups(kept, list(_similar(thumbnails[kept], mirror=False)))
    unique = np.setdiff1d(kept, [index for group in near for index in group[1:]])
    mirrored = _groups(unique, list(_similar(thumbnails[unique], mirror=True)))
    return Duplicates(exact, near, mirrored, unique.tolist())


def _groups(indices: NDArray, pairs: list[tuple[int, int]]) -> list[list[int]]:
    if not pairs:
        return []
    rows, columns = zip(*pairs, strict=True)
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(indices),) * 2)
    labels = connected_components(graph, directed=False)[1]
    found: dict[int, list[int]] = {}
    for index, label in zip(indices.tolist(), labels, strict=True):
        found.setdefault(label, []).append(index)
    return [group for group in found.values() if len(group) > 1]


def _similar(thumbnails: NDArray[np.uint8], mirror: bool) -> Iterator[tuple[int, int]]:
    """Pairs i < j of which the second, mirrored or not, shows the same as the first."""
    if len(thumbnails) < 2:
        return
    plain = _signatures(thumbnails)
    others = _signatures(thumbnails[:, :, ::-1]) if mirror else plain
    for start in range(0, len(plain), _ROWS):
        cosines = plain[start : start + _ROWS] @ others.T
        for i, j in np.argwhere(cosines > _MIN_COSINE):
            first = i + start
            if first < j:
                other = thumbnails[j, :, ::-1] if mirror else thumbnails[j]
                if _difference(thumbnails[first], other) < _MAX_DIFFERENCE:
                    yield int(first), int(j)


def _signatures(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Gradients of each image as a vector of length 1: brightness and contrast drop out."""
    num, side = thumbnails.shape[:2]
    block = side // _SIDE
    grey = thumbnails.mean(axis=3, dtype=np.float32)
    grey = grey.reshape(num, _SIDE, block, _SIDE, block).mean(axis=(2, 4))
    across, down = np.diff(grey, axis=2), np.diff(grey, axis=1)
    vectors = np.concatenate([across.reshape(num, -1), down.reshape(num, -1)], axis=1)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def _difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    x, y = (image.astype(np.float32) for image in (first, second))
    x -= x.mean(axis=(0, 1))
    y -= y.mean(axis=(0, 1))
    # Halfway between the two gains, so that the order does not matter.
    gain = np.sqrt(np.sum(y * y) / max(float(np.sum(x * x)), 1e-6))
    scale = np.sqrt(max(float(gain), 1e-6))
    return float(np.abs(x * scale - y / scale).mean())
