"""How different the images of a set are from each other."""

import math

import numpy as np

from mmfncontra.utils.checks import check_images, check_integers

from .image_arrays import check_same_size, reduce_images

_PAIRS_AT_ONCE = 1024


def pairwise_diversity(
    images: np.ndarray, max_pairs: int = 20_000, seed: int = 0
) -> dict[str, float]:
    """Distances within pairs of images: their mean and quantiles.

    The distance is that of :func:`nearest_distances` in pixels: the root mean square difference of
    the images reduced to 32×32. A generator that collapsed has a mean near 0; one that repeats a
    few pictures a ``p05`` near 0.

    Args:
        images: uint8 RGB, (N, H, W, 3), two or more.
        max_pairs: All N(N - 1)/2 pairs if they are no more than this, else so many different ones
            drawn.
        seed: Seed of the draw.

    Returns:
        ``mean``, and the quantiles ``p05``, ``p50`` and ``p95``, in grey levels.

    Raises:
        ValueError: If ``images`` is no array of two images or more, or ``max_pairs`` is not
            positive.

    Example:
        >>> images = np.zeros((3, 32, 32, 3), np.uint8)
        >>> images[2] = 30
        >>> pairwise_diversity(images)['mean']
        20.0
    """
    check_images(images, minimum=2)
    check_integers(max_pairs=max_pairs)
    check_integers(0, seed=seed)
    pixels = reduce_images(images).reshape(len(images), -1)
    distances = pair_distances(pixels, max_pairs, seed)
    low, middle, high = np.quantile(distances, [0.05, 0.5, 0.95]).tolist()
    return dict(mean=float(distances.mean()), p05=low, p50=middle, p95=high)


def diversity_ratio(
    real: np.ndarray, fake: np.ndarray, max_pairs: int = 20_000, seed: int = 0
) -> float:
    """Mean pairwise distance of generated images against that of real ones.

    Args:
        real: uint8 RGB, (N, H, W, 3), two or more.
        fake: uint8 RGB, (M, H, W, 3), two or more.
        max_pairs: See :func:`pairwise_diversity`.
        seed: See :func:`pairwise_diversity`.

    Returns:
        0 if all generated images are the same, 1 if they are as diverse as the real ones.

    Raises:
        ValueError: See :func:`pairwise_diversity`; also if the sizes differ, or the real images are
            all the same.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), np.uint8)
        >>> diversity_ratio(images, images), diversity_ratio(images, images[:1].repeat(9, 0))
        (1.0, 0.0)
    """
    check_same_size(real=real, fake=fake)
    check_images(real, 'real', minimum=2)
    check_images(fake, 'fake', minimum=2)
    baseline = pairwise_diversity(real, max_pairs, seed)['mean']
    if baseline == 0:
        raise ValueError(
            f'real must hold images that differ, got {len(real)} that are the same at 32x32 pixels'
        )
    return pairwise_diversity(fake, max_pairs, seed)['mean'] / baseline


def pair_distances(features: np.ndarray, max_pairs: int, seed: int) -> np.ndarray:
    """Root mean square differences within pairs of vectors, all or different ones drawn.

    Args:
        features: (N, K), N at least 2.
        max_pairs: Most pairs to look at.
        seed: Seed of the draw.

    Returns:
        (P,), float64, P at most ``max_pairs``.
    """
    total = math.comb(len(features), 2)
    if total <= max_pairs:
        numbers = np.arange(total)
    else:
        rng = np.random.default_rng(seed)
        numbers = rng.choice(total, max_pairs, replace=False, shuffle=False)
    # Pair number j(j − 1)/2 + i is (i, j) with i < j.
    second = ((1 + np.sqrt(1 + 8 * numbers)) / 2).astype(int)
    first = numbers - second * (second - 1) // 2
    distances = np.empty(len(numbers))
    for start in range(0, len(numbers), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        difference = features[first[part]].astype(np.float64) - features[second[part]]
        distances[part] = np.sqrt(np.square(difference).mean(1))
    return distances
