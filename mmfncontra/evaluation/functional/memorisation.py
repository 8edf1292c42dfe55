"""How many generated images copy a training image, as features of a network see it."""

import numpy as np
from scipy.special import gammaln

from mmfncontra.utils.checks import check_interval

from .diversity import pair_distances
from .feature_checks import check_features
from .nearest_neighbours import ROUNDING, SAME_PICTURE, SAMPLED_PAIRS


def feature_copy_rate(
    real: np.ndarray,
    fake: np.ndarray,
    mirrored: np.ndarray | None = None,
    quantile: float = 0.01,
    margin: float = 0.75,
) -> dict[str, float | np.ndarray]:
    r"""Share of generated images whose features are nearer to a training image's than real ones'.

    The rule of :func:`~.nearest_neighbours.copy_rate`, with Euclidean distances of features: a copy
    is at most ``margin`` times as far from its training image as the ``quantile`` of training
    images are from their nearest other one.

    On photographs of 64 pixels, features of EfficientNet-Lite2 take none of the held-out ones for
    copies, and 0.94 to 1 of those that are shifted by 4 pixels, 0.4 of those zoomed by an eighth.
    To blur, noise and compression they are more sensitive than to what is shown, so that a copy of
    poor quality passes: those are for the rate in pixels, which misses the shifted ones.

    Args:
        real: Features of the training images, (N, D), two or more.
        fake: Features of generated images, (M, D).
        mirrored: Features of the training images mirrored, (N, D), which count as well.
        quantile: Of the real-to-real distances, in [0, 1].
        margin: Share of the quantile at which the threshold lies, in (0, 1].

    Returns:
        ``copy_rate`` in [0, 1]; ``threshold``; ``nearest`` (M,), the distance of each generated
        image to its nearest training image, and ``indices`` (M,), which one that is;
        ``nearest_ratio``, the median of ``nearest`` over that of the training images to their
        nearest other one: near 1 for new images, near 0 for copies; NaN if there is no other.

    Raises:
        ValueError: If the features are not comparable, there is only one real image, or
            ``quantile`` or ``margin`` is out of its range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> real, new = (rng.standard_normal((20, 64), dtype=np.float32) for _ in range(2))
        >>> feature_copy_rate(real, new)['copy_rate'], feature_copy_rate(real, real)['copy_rate']
        (0.0, 1.0)
    """
    check_interval('[0, 1]', quantile=quantile)
    check_interval('(0, 1]', margin=margin)
    check_features(2, real=real)
    check_features(1, real=real, fake=fake)
    views = _views(real, mirrored)
    within = _distances(real, views)
    np.fill_diagonal(within, np.inf)
    # As in pixels: what shows the same picture says nothing of how near two others come.
    pairs = np.median(pair_distances(real, SAMPLED_PAIRS, seed=0)) * real.shape[1] ** 0.5
    within[within < SAME_PICTURE * pairs] = np.inf
    others = within.min(1)
    others = others[np.isfinite(others)]
    threshold = margin * float(np.quantile(others, quantile)) if len(others) else 0.0
    usual = float(np.median(others)) if len(others) else 0.0
    across = _distances(fake, views)
    nearest = across.min(1)
    return dict(
        copy_rate=float((nearest <= threshold).mean()),
        threshold=threshold,
        nearest=nearest,
        indices=across.argmin(1),
        nearest_ratio=float(np.median(nearest)) / usual if usual else np.nan,
    )


def nearer_to_training(
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    train_mirrored: np.ndarray | None = None,
    heldout_mirrored: np.ndarray | None = None,
) -> float:
    r"""Share of generated images that are nearer to a training image than to any held-out one.

    Of a larger set something is nearer by chance. So it is the expectation over all subsets of
    the larger set that are as large as the smaller one: with :math:`k` of the :math:`n` nearer
    than the nearest of the :math:`m` others, :math:`1 - \binom{n - k}{m} / \binom{n}{m}`.

    Source: after the test of data copying of Meehan et al., AISTATS 2020.

    Args:
        train: Features of the training images, (N, D).
        heldout: Features of real images that were not trained on, (M, D).
        fake: Features of generated images, (F, D).
        train_mirrored: Features of the training images mirrored, which count as well.
        heldout_mirrored: Features of the held-out images mirrored.

    Returns:
        In [0, 1]: 0.5 without memorisation, 1 where every generated image is a training image.

    Raises:
        ValueError: If the features are not comparable.

    Example:
        >>> train, heldout = np.array([[0.0], [10.0]]), np.array([[4.0], [6.0]])
        >>> nearer_to_training(train, heldout, np.array([[0.5], [4.5], [9.0], [9.9]]))
        0.75
    """
    check_features(1, train=train, heldout=heldout, fake=fake)
    to_train = _distances(fake, _views(train, train_mirrored))
    to_heldout = _distances(fake, _views(heldout, heldout_mirrored))
    if len(train) < len(heldout):
        return 1 - _nearer_to_larger(to_heldout, to_train)
    return _nearer_to_larger(to_train, to_heldout)


def _nearer_to_larger(larger: np.ndarray, smaller: np.ndarray) -> float:
    n, m = larger.shape[1], smaller.shape[1]
    k = (larger < smaller.min(1, keepdims=True)).sum(1)
    none = np.exp(_log_binomial(n - k, m) - _log_binomial(n, m))
    return float(1 - np.where(n - k < m, 0, none).mean())


def _log_binomial(n: np.ndarray | int, m: int) -> np.ndarray:
    n = np.maximum(n, m)  # fewer are the caller's own case
    return gammaln(n + 1.0) - gammaln(m + 1.0) - gammaln(n - m + 1.0)


def _views(features: np.ndarray, mirrored: np.ndarray | None) -> list[np.ndarray]:
    if mirrored is None:
        return [features]
    if mirrored.shape != features.shape:
        raise ValueError(f'mirrored must have shape {features.shape}, got {mirrored.shape}')
    return [features, mirrored]


def _distances(queries: np.ndarray, views: list[np.ndarray]) -> np.ndarray:
    """Euclidean distances (N, M) to the nearer one of several views of each reference."""
    queries = queries.astype(np.float64)
    norms = np.square(queries).sum(1)[:, None]
    nearer = np.full((len(queries), len(views[0])), np.inf)
    for view in views:
        view = view.astype(np.float64)
        lengths = norms + np.square(view).sum(1)
        squares = lengths - 2 * queries @ view.T
        squares[squares < ROUNDING * lengths] = 0
        np.minimum(nearer, squares, out=nearer)
    return np.sqrt(nearer.clip(min=0))
