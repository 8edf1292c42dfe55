"""Kernel distance of features (KID)."""

import numpy as np
import torch
from torch_fidelity.metric_kid import (
    KEY_METRIC_KID_MEAN,
    KEY_METRIC_KID_STD,
    kid_features_to_metric,
)

from mmfncontra.utils.checks import check_integers

from .feature_checks import check_features

_PUBLISHED_SUBSET = 1000


def kernel_distance(
    generated: np.ndarray,
    real: np.ndarray,
    subsets: int = 100,
    subset_size: int | None = None,
    seed: int = 2020,
) -> dict[str, float]:
    r"""Squared maximum mean discrepancy of two sets of features, by the unbiased estimator.

    The kernel is :math:`k(x, y) = (x^\top y / D + 1)^3`. It is KID with the features of Inception.
    Unlike the Fréchet distance it does not depend on the number of images on average, and can be
    slightly negative.

    The standard deviation is that over subsets. Where a subset is the whole of a side, that side
    adds nothing to it, and with both sides whole it is zero and says nothing.

    Source: Bińkowski et al., ICLR 2018; computed by torch-fidelity.

    Args:
        generated: (N, D).
        real: (M, D).
        subsets: Number of random subsets.
        subset_size: Rows of either side in a subset; ``None`` takes 1,000, or as many as there are.
        seed: Seed of the subsets; torch-fidelity's own is 2020.

    Returns:
        ``mean`` and ``std`` over the subsets, and the ``subset_size``.

    Raises:
        ValueError: If the features are not comparable, or there are fewer than ``subset_size``.

    Example:
        >>> import numpy as np
        >>> real = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
        >>> kernel_distance(real + 1, real)['subset_size']
        50
    """
    check_integers(subsets=subsets)
    check_features(2, generated=generated, real=real)
    available = min(len(generated), len(real))
    if subset_size is None:
        subset_size = min(_PUBLISHED_SUBSET, available)
    check_integers(2, subset_size=subset_size)
    if subset_size > available:
        raise ValueError(
            f'subset_size must be at most {available}, the smaller number of images, '
            f'got {subset_size}'
        )
    result = kid_features_to_metric(
        torch.from_numpy(generated),
        torch.from_numpy(real),
        kid_subsets=subsets,
        kid_subset_size=subset_size,
        rng_seed=seed,
        verbose=False,
    )
    return dict(
        mean=result[KEY_METRIC_KID_MEAN],
        std=result[KEY_METRIC_KID_STD],
        subset_size=subset_size,
    )
