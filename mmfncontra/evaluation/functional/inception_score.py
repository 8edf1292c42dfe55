"""Inception score."""

import numpy as np
import torch
from torch_fidelity.metric_isc import (
    KEY_METRIC_ISC_MEAN,
    KEY_METRIC_ISC_STD,
    isc_features_to_metric,
)

from mmfncontra.utils.checks import check_integers

from .feature_checks import check_features


def inception_score(
    logits: np.ndarray, splits: int = 10, shuffle: bool = True, seed: int = 2020
) -> dict[str, float]:
    r"""Confidence and variety of what a classifier sees.

    .. math::
        \exp \mathbb{E}_x \mathrm{KL}(p(y \mid x) \,\Vert\, p(y))

    It knows nothing of the real images, and its classes are those of ImageNet.

    Source: Salimans et al., NeurIPS 2016; computed by torch-fidelity.

    Args:
        logits: (N, C), of the generated images.
        splits: Parts over which mean and standard deviation are taken.
        shuffle: Whether the images are shuffled before, as torch-fidelity does.
        seed: Seed of the shuffle; torch-fidelity's own is 2020.

    Returns:
        ``mean``, from 1 (the same for all images) to C, and ``std``.

    Raises:
        ValueError: If there are fewer images than splits, or the logits are not finite.

    Example:
        >>> import numpy as np
        >>> round(inception_score(100 * np.eye(4), splits=1)['mean'], 4)
        4.0
    """
    check_integers(splits=splits)
    check_features(splits, logits=logits)
    result = isc_features_to_metric(torch.from_numpy(logits), splits, shuffle, seed)
    return dict(mean=result[KEY_METRIC_ISC_MEAN], std=result[KEY_METRIC_ISC_STD])
