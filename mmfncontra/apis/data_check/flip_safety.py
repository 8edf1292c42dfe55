"""Whether mirrored images look like images of the same set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import binomtest

# Levels of a pyramid (each half as large as the one before), and patterns of eight neighbours.
TEXTURE_SHAPE = (3, 256)
# Differences of grey levels below this are noise of compression.
_CONTRAST = 8
# Neighbours of a pixel, clockwise from the upper left, and which of them each becomes mirrored.
_OFFSETS = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
_MIRRORED = (2, 1, 0, 7, 6, 5, 4, 3)
_MIRRORED_CODES = np.array(
    [sum((code >> i & 1) << m for i, m in enumerate(_MIRRORED)) for code in range(256)]
)
# Found on photographs of things (ratio up to 1.03, share up to 0.03), pages of letters (1.07, 0.2)
# and drawings of shells that all coil the same way (1.7, 0.3).
_MAX_RATIO, _MAX_SHARE = 1.05, 0.08
_LEVEL = 0.02
_MIN_IMAGES, _MAX_IMAGES = 10, 2000


@dataclass(frozen=True)
class FlipVerdict:
    """Whether horizontal flips look safe. A heuristic: it sees layout and strokes, no meaning.

    Attributes:
        verdict: 'safe' or 'doubtful'.
        reason: Why, in words.
        layout_ratio: Median of each image's distance to the nearest mirrored other image over that
            to the nearest other image as it is. 1: mirroring does not matter.
        layout_p: Chance of so many images being nearer to unmirrored ones if it did not matter.
        texture_share: Share of the asymmetry of local patterns that images have in common: 0 in
            scenes without a preferred direction, high in lettering.
        texture_p: Chance of such a share if mirroring did not matter.
    """

    verdict: str
    reason: str
    layout_ratio: float = 1.0
    layout_p: float = 1.0
    texture_share: float = 0.0
    texture_p: float = 1.0


def texture_histograms(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    r"""How often each local pattern occurs, at three scales.

    The pattern of a pixel is a number of eight bits, one for each neighbour that is brighter by
    more than 8 levels; pixels without any such contrast are left out.

    Source: Ojala et al., TPAMI 2002 (local binary patterns), with a threshold.

    Args:
        image: RGB, H×W×3.

    Returns:
        3 × 256 relative frequencies, of the image and of its half and quarter size; zeros where
        nothing has contrast.

    Example:
        >>> texture_histograms(np.zeros((16, 16, 3), np.uint8)).sum()
        0.0
    """
    grey = image.mean(axis=2)
    histograms = np.zeros(TEXTURE_SHAPE, np.float32)
    for level in range(len(histograms)):
        if level:
            height, width = (side // 2 for side in grey.shape)
            halves = grey[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
            grey = halves.mean(axis=(1, 3))
        if min(grey.shape) < 3:
            break
        rows, columns = grey.shape[0] - 2, grey.shape[1] - 2
        centre = grey[1:-1, 1:-1]
        codes = np.zeros(centre.shape, np.uint8)
        textured = np.zeros(centre.shape, bool)
        for bit, (y, x) in enumerate(_OFFSETS):
            difference = grey[y : y + rows, x : x + columns] - centre
            codes |= (difference > _CONTRAST).astype(np.uint8) << bit
            textured |= np.abs(difference) > _CONTRAST
        counts = np.bincount(codes[textured], minlength=256)
        histograms[level] = counts / max(1, counts.sum())
    return histograms


def judge_flips(
    thumbnails: NDArray[np.uint8], textures: NDArray[np.float32], seed: int = 0
) -> FlipVerdict:
    """Say whether training on mirrored images would teach what no real image shows.

    Two questions. Are images nearer to others as they are than to others mirrored (a sign test;
    shoes that all point left)? And do images share the left-right asymmetry of their local patterns
    (a test by random signs; letters)? Either counts only where it is both unlikely by chance and
    large. Of more than 2,000 images, as many are taken at even distances.

    Args:
        thumbnails: N×S×S×3, without duplicates, S a multiple of 16.
        textures: N×3×256 of :func:`texture_histograms`.
        seed: Seed of the random signs.

    Returns:
        The verdict with its reason and numbers.

    Raises:
        ValueError: If the numbers of thumbnails and textures differ.
    """
    if len(thumbnails) != len(textures):
        raise ValueError(
            'thumbnails and textures must be of the same images, got '
            f'{len(thumbnails)} and {len(textures)}'
        )
    num = len(thumbnails)
    if num < _MIN_IMAGES:
        return FlipVerdict(
            'doubtful', f'{num} different images are too few to tell: look for letters yourself'
        )
    chosen = np.linspace(0, num - 1, min(num, _MAX_IMAGES)).astype(int)
    ratio, layout_p = _compare_layouts(thumbnails[chosen])
    tests = [_shared_asymmetry(level, seed) for level in textures[chosen].swapaxes(0, 1)]
    # The scale of the letters is not known; the one that shows most counts.
    share, texture_p = max(tests, key=lambda test: (test[1] < _LEVEL, test[0]))
    reasons = []
    if layout_p < _LEVEL and ratio > _MAX_RATIO:
        reasons.append('most images face the same way')
    if texture_p < _LEVEL and share > _MAX_SHARE:
        reasons.append('fine detail has a common direction, as letters have')
    reason = ' and '.join(reasons) or 'mirrored images look like the others'
    return FlipVerdict('doubtful' if reasons else 'safe', reason, ratio, layout_p, share, texture_p)


def _compare_layouts(thumbnails: NDArray[np.uint8]) -> tuple[float, float]:
    """Ratio of distances to mirrored and to plain neighbours, and its p value."""
    num, side = thumbnails.shape[:2]
    blocks = thumbnails.reshape(num, 16, side // 16, 16, side // 16, 3)
    small = blocks.mean(axis=(2, 4), dtype=np.float32)
    plain, mirrored = small.reshape(num, -1), small[:, :, ::-1].reshape(num, -1)
    nearest = []
    for others in (plain, mirrored):
        distances = cdist(plain, others)
        np.fill_diagonal(distances, np.inf)
        nearest.append(distances.min(axis=1))
    to_plain, to_mirrored = nearest
    unequal = int(np.sum(to_plain != to_mirrored))
    if not unequal:
        return 1.0, 1.0
    further = int(np.sum(to_mirrored > to_plain))
    p = binomtest(further, unequal, alternative='greater').pvalue
    return float(np.median(to_mirrored / np.maximum(to_plain, 1e-3))), float(p)


def _shared_asymmetry(histograms: NDArray[np.float32], seed: int) -> tuple[float, float]:
    r"""Common part of what mirroring changes, and its p value.

    With v_i the histogram less that of the mirrored image, the share is the mean of v_i·v_j over
    i ≠ j over the mean of v_i·v_i. Where mirrored images are as likely as plain ones, every v_i is
    as likely as −v_i.
    """
    changes = (histograms - histograms[:, _MIRRORED_CODES]).astype(np.float64)
    products = changes @ changes.T
    own, num = np.trace(products), len(changes)
    if own <= 1e-12:
        return 0.0, 1.0
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (999, num))
    by_chance = np.sum((signs @ products) * signs, axis=1)
    total = products.sum()
    p = (1 + np.sum(by_chance >= total)) / (1 + len(signs))
    return float((total - own) / (num - 1) / own), float(p)
