"""Precision, recall, density and coverage by nearest neighbours in feature space."""

import numpy as np
import torch
from torch_fidelity.metric_prc import (
    KEY_METRIC_F_SCORE,
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    calc_cdist_full,
    prc_features_to_metric,
)

from mmfncontra.utils.checks import check_integers

from .feature_checks import check_features


def precision_recall(generated: np.ndarray, real: np.ndarray, k: int = 3) -> dict[str, float]:
    """Precision and recall of generated images.

    Around every image lies a ball that reaches to its k-th nearest neighbour on its own side.
    Precision is the share of generated images in the ball of some real one; recall the share of
    real images in the ball of some generated one.

    Source: Kynkäänniemi et al., NeurIPS 2019 (there on VGG16's features); computed by
    torch-fidelity.

    Args:
        generated: (N, D), N above ``k``.
        real: (M, D), M above ``k``.
        k: Which neighbour.

    Returns:
        ``precision``, ``recall`` and their harmonic mean ``f_score``, in [0, 1].

    Raises:
        ValueError: If there are too few images, or the features are not comparable.

    Example:
        >>> import numpy as np
        >>> real = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
        >>> precision_recall(real + 100, real)['precision']
        0.0
    """
    check_integers(k=k)
    check_features(k + 1, generated=generated, real=real)
    result = prc_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), prc_neighborhood=k, verbose=False
    )
    return dict(
        precision=result[KEY_METRIC_PRECISION],
        recall=result[KEY_METRIC_RECALL],
        f_score=result[KEY_METRIC_F_SCORE],
    )


def density_coverage(generated: np.ndarray, real: np.ndarray, k: int = 5) -> dict[str, float]:
    r"""Density and coverage of generated images, which single outliers do not sway.

    With balls :math:`B_k(r)` around the M real images only, each as far as its k-th nearest real
    neighbour (border not included):

    .. math::
        \mathrm{density} = \frac{1}{k N} \sum_{g} \sum_{r} [g \in B_k(r)], \qquad
        \mathrm{coverage} = \frac{1}{M} \sum_{r} [\exists g \in B_k(r)]

    Source: Naeem et al., ICML 2020.

    Args:
        generated: (N, D), N at least 1.
        real: (M, D), M above ``k``.
        k: Which neighbour.

    Returns:
        ``density``, around 1 where the distributions agree and above where generated images crowd
        in dense places; ``coverage`` in [0, 1].

    Raises:
        ValueError: If there are too few images, or the features are not comparable.

    Example:
        >>> import numpy as np
        >>> real = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
        >>> density_coverage(real, real)['coverage']
        1.0
    """
    check_integers(k=k)
    check_features(1, generated=generated, real=real)
    check_features(k + 1, real=real)
    # In float32 the distance of an image to itself comes out above zero.
    generated, real = (torch.from_numpy(side).double() for side in (generated, real))
    radii = calc_cdist_full(real, real).kthvalue(k + 1).values
    inside = calc_cdist_full(generated, real) < radii
    return dict(
        density=inside.sum().item() / (k * len(generated)),
        coverage=inside.any(dim=0).double().mean().item(),
    )
