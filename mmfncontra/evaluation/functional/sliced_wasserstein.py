"""Sliced Wasserstein distance between the patches of two sets of images, scale by scale."""

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mmfncontra.utils.checks import check_integers

from .image_arrays import ROUNDING_POWER, check_same_size

_SMALLEST_SIDE = 16
_PROJECTIONS_AT_ONCE = 16


def sliced_wasserstein(
    real: np.ndarray,
    fake: np.ndarray,
    patch: int = 7,
    levels: int | None = None,
    patches_per_image: int = 32,
    projections: int = 128,
    seed: int = 0,
) -> dict[str, float]:
    r"""Distance of local texture and structure on each level of a Laplacian pyramid.

    Of each level, patches at random places are taken from every image. Each set of patches is
    normalised to mean 0 and standard deviation 1 in every colour channel, so that the distance sees
    structure and not overall tint and contrast. Both are projected on random directions θ of
    unit length, and

    .. math::
        \operatorname*{mean}_θ W_1(θ^\top P, θ^\top Q), \qquad
        W_1 = \int_0^1 |F_P^{-1}(q) - F_Q^{-1}(q)|\, dq,

    is computed exactly from the sorted projections, also of sets of different sizes.

    Two finite samples of one distribution are some distance apart, the more the fewer there are:
    compare results of equal numbers of images. Equal sets are at distance 0.

    Source: Karras et al., ICLR 2018, arXiv 1710.10196, §5 (there with 128 patches, 512 directions,
    and printed times 10³); Rabin et al., SSVM 2011, for slicing.

    Args:
        real: uint8 RGB, (N, H, W, 3).
        fake: uint8 RGB, (M, H, W, 3).
        patch: Side of the patches in pixels.
        levels: Levels of the pyramid; None halves the images down to 16 pixels.
        patches_per_image: Patches of every image on every level.
        projections: Number of directions.
        seed: Seed of places and directions.

    Returns:
        Distance by the shorter side of the level, from the finest on (``'64'``, ``'32'``,
        ``'16'``), and their ``'mean'``.

    Raises:
        ValueError: If the arrays are no images of one size, a number is not positive, or a patch
            does not fit the coarsest level.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
        >>> sliced_wasserstein(images, images)
        {'32': 0.0, '16': 0.0, 'mean': 0.0}
    """
    check_same_size(real=real, fake=fake)
    check_integers(patch=patch, patches_per_image=patches_per_image, projections=projections)
    check_integers(0, seed=seed)
    side = min(real.shape[1:3])
    if levels is None:
        levels = max(1, (side // _SMALLEST_SIDE).bit_length())
    check_integers(levels=levels)
    sides = [-(-side // 2**level) for level in range(levels)]
    if sides[-1] < patch:
        raise ValueError(
            f'levels={levels} leaves {sides[-1]} pixels of {side}, too few for patch={patch}: '
            'use fewer levels or a smaller patch'
        )

    of_real = _patches(real, patch, levels, patches_per_image, seed)
    of_fake = _patches(fake, patch, levels, patches_per_image, seed)
    distances = {}
    for level, (p, q) in enumerate(zip(of_real, of_fake, strict=True)):
        rng = np.random.default_rng([seed, level, 1])
        directions = rng.standard_normal((projections, p.shape[1]))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        distances[str(sides[level])] = _sliced_distance(p, q, directions.astype(np.float32))
    distances['mean'] = float(np.mean(list(distances.values())))
    return distances


def laplacian_pyramid(image: np.ndarray, levels: int) -> list[np.ndarray]:
    """Split an image into octaves: band-passes from the finest on, and the low-pass rest.

    Args:
        image: (H, W, C), uint8 or float32.
        levels: Number of levels L, at least 1.

    Returns:
        L arrays, float32, level l of shape (⌈H/2^l⌉, ⌈W/2^l⌉, C). Each band-pass is what the next
        low-pass, smoothed with the binomial [1, 4, 6, 4, 1] / 16 and halved, leaves out.

    Example:
        >>> [band.shape for band in laplacian_pyramid(np.zeros((64, 48, 3), np.uint8), 3)]
        [(64, 48, 3), (32, 24, 3), (16, 12, 3)]
    """
    pyramid, image = [], image.astype(np.float32)
    for _ in range(levels - 1):
        smaller = cv2.pyrDown(image)
        pyramid.append(image - cv2.pyrUp(smaller, dstsize=(image.shape[1], image.shape[0])))
        image = smaller
    return [*pyramid, image]


def _patches(
    images: np.ndarray, patch: int, levels: int, per_image: int, seed: int
) -> list[np.ndarray]:
    """Normalised patches of each level, (N · per_image, 3 · patch²), float32."""
    height, width = images.shape[1:3]
    places, cut = [], []
    for level in range(levels):
        # Image i is cut at the same places in either set.
        rng = np.random.default_rng([seed, level, 0])
        limits = [-(-side // 2**level) - patch + 1 for side in (height, width)]
        places.append(rng.integers(0, limits, (len(images), per_image, 2)))
        cut.append(np.empty((len(images), per_image, 3, patch, patch), np.float32))
    for index, image in enumerate(images):
        for level, band in enumerate(laplacian_pyramid(image, levels)):
            tops, lefts = places[level][index].T
            cut[level][index] = sliding_window_view(band, (patch, patch), (0, 1))[tops, lefts]
    return [_normalise(level.reshape(-1, 3, patch**2)) for level in cut]


def _normalise(patches: np.ndarray) -> np.ndarray:
    """Give each channel of (P, 3, K) mean 0 and standard deviation 1, in place; (P, 3K)."""
    axes = (0, 2)
    patches -= patches.mean(axes, np.float64, keepdims=True).astype(np.float32)
    power = np.square(patches).mean(axes, np.float64, keepdims=True)
    # What varies by less than rounding does is flat, not faint structure to be blown up.
    patches /= np.sqrt(power.clip(min=ROUNDING_POWER)).astype(np.float32)
    return patches.reshape(len(patches), -1)


def _sliced_distance(p: np.ndarray, q: np.ndarray, directions: np.ndarray) -> float:
    """Mean W₁ of the projections of two samples, (n, K) and (m, K), on (D, K)."""
    n, m = len(p), len(q)
    if n == m:
        index_p = index_q = slice(None)
        widths = np.full(n, 1 / n)
    else:
        # Both quantile functions are steps, at multiples of 1/n and of 1/m; in units of 1/(nm) the
        # ends of the steps are whole numbers.
        ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
        starts = np.concatenate([[0], ends[:-1]])
        index_p, index_q, widths = starts // m, starts // n, (ends - starts) / (n * m)
    total = 0.0
    for start in range(0, len(directions), _PROJECTIONS_AT_ONCE):
        some = directions[start : start + _PROJECTIONS_AT_ONCE]
        sorted_p, sorted_q = np.sort(some @ p.T), np.sort(some @ q.T)
        gaps = np.abs(sorted_p[:, index_p] - sorted_q[:, index_q])
        total += (gaps @ widths).sum()
    return float(total / len(directions))
