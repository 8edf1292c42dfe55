"""What a metric would be with more images: extrapolation over the number of images."""

from collections.abc import Callable, Iterator

import numpy as np

from mmfncontra.utils.checks import check_integers


def extrapolate(
    statistic: Callable[[np.ndarray], float],
    n: int,
    seed: int = 0,
    points: int = 3,
    repeats: int = 2,
) -> dict[str, float]:
    r"""Extrapolate a statistic of n images to infinitely many, which removes its bias.

    Statistics like FID are biased by their number of images m, in leading order by c/m. The
    statistic is taken on the n images and on subsets of n/2, n/4, …, and a line is fitted,

    .. math::
        \bar s(m) = s_\infty + c / m,

    whose intercept is free of that bias. The subsets of a size are disjoint blocks of one order of
    the images, so that all of them are used; the mean over the blocks, and over ``repeats``
    orders, is a point of the line.

    The standard error is that of the statistic as an estimate from these n images: for k disjoint
    subsets, the standard deviation over them divided by √k, as a root mean square over sizes and
    orders. It says how far another draw of n images may be, apart from the bias.

    Higher powers of 1/m are neglected. For FID that is right when there are many more images than
    features; below, the correction has the right sign but is too small.

    Source: Chong and Forsyth, CVPR 2020, arXiv 1911.07023, §3 (fit over 1/N).

    Args:
        statistic: Maps indices of images, (m,) of integers in [0, n), to a number. It is called
            1 + ``repeats`` · (2 + 4 + … + 2^(points - 1)) times.
        n: Number of images.
        seed: Seed of the orders.
        points: Sizes n, n/2, …, two or more.
        repeats: Orders of the images.

    Returns:
        ``value``, the statistic of all images; ``unbiased``, its limit; ``bias``, the difference
        ``value - unbiased``; ``stderr``, the standard error.

    Raises:
        ValueError: If a number is out of its range, the smallest subset would have fewer than two
            images, or the statistic is not finite.

    Example:
        >>> x = np.random.default_rng(0).normal(size=64)
        >>> result = extrapolate(lambda indices: x[indices].var(), len(x), repeats=50)
        >>> round(result['unbiased'] / x.var(ddof=1), 1)
        1.0
    """
    check_integers(n=n, repeats=repeats)
    check_integers(2, points=points)
    check_integers(0, seed=seed)
    sizes = [n // 2**point for point in range(points)]
    if sizes[-1] < 2:
        raise ValueError(
            f'n must be {2**points} or more for points={points}, so that the smallest subset has '
            f'two images, got {n}'
        )

    rng = np.random.default_rng(seed)
    means, variances = [_evaluate(statistic, np.arange(n))], []
    for size in sizes[1:]:
        values = np.array(
            [
                [_evaluate(statistic, block) for block in _blocks(rng.permutation(n), size)]
                for _ in range(repeats)
            ]
        )
        means.append(values.mean())
        variances.extend(values.var(1, ddof=1) / values.shape[1])
    _, unbiased = np.polyfit(1 / np.array(sizes), means, 1)
    return dict(
        value=means[0],
        unbiased=float(unbiased),
        bias=float(means[0] - unbiased),
        stderr=float(np.sqrt(np.mean(variances))),
    )


def _blocks(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(order) - size + 1, size):
        yield order[start : start + size]


def _evaluate(statistic: Callable[[np.ndarray], float], indices: np.ndarray) -> float:
    value = float(statistic(indices))
    if not np.isfinite(value):
        raise ValueError(
            f'statistic must be finite on every subset, got {value} on {len(indices)} images'
        )
    return value
