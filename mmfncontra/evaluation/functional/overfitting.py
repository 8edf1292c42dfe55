"""Overfitting as the discriminator shows it."""

import numpy as np
from numpy.typing import ArrayLike


def discriminator_view(
    real_logits: ArrayLike,
    heldout_logits: ArrayLike | None = None,
    fake_logits: ArrayLike | None = None,
) -> dict[str, float]:
    r"""Summarise what a discriminator says of training, held-out and generated images.

    .. math::
        r_t = E[\operatorname{sign} D_{real}], \qquad gap = E[D_{real}] - E[D_{heldout}], \qquad
        separation = E[D_{real}] - E[D_{fake}], \qquad r_v = gap / separation

    :math:`r_t` is 0 without overfitting and 1 when every training image is recognised. The other
    heuristic, :math:`r_v`, is 0 when held-out images look as real as training images, and 1 when
    they look as generated ones do. It is free of the scale of the logits, which the gap is not.

    Source: Karras et al., NeurIPS 2020, arXiv 2006.06676, eq. 1.

    Args:
        real_logits: Logits of training images, any shape, positive for real.
        heldout_logits: Logits of real images that were not trained on.
        fake_logits: Logits of generated images.

    Returns:
        ``r_t``; with held-out logits ``gap``; with generated ones ``separation``; with both
        ``r_v``, unless the separation is 0 or less, where the ratio has no meaning.

    Raises:
        ValueError: If logits are empty or not finite.

    Example:
        >>> discriminator_view([2.0, 1.0, -1.0, 2.0], [0.0, -1.0], [-3.0, -3.0])
        {'r_t': 0.5, 'gap': 1.5, 'separation': 4.0, 'r_v': 0.375}
    """
    real = _logits(real_logits, 'real_logits')
    view = dict(r_t=float(np.sign(real).mean()))
    if heldout_logits is not None:
        view['gap'] = float(real.mean() - _logits(heldout_logits, 'heldout_logits').mean())
    if fake_logits is not None:
        view['separation'] = float(real.mean() - _logits(fake_logits, 'fake_logits').mean())
    if 'gap' in view and view.get('separation', 0) > 0:
        view['r_v'] = view['gap'] / view['separation']
    return view


def _logits(values: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if not values.size or not np.isfinite(values).all():
        state = 'values that are not finite' if values.size else 'none'
        raise ValueError(f'{name} must be one or more finite numbers, got {state}')
    return values
