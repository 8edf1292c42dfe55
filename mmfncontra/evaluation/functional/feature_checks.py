"""Checks that metrics on features share."""

import numpy as np


def check_features(minimum: int, /, **arrays: np.ndarray) -> None:
    """Check sets of features: two-dimensional, finite, enough rows and one width.

    Args:
        minimum: Least number of rows.
        **arrays: (N, D) each, by the names that messages give them.

    Raises:
        ValueError: Naming the first array that is not so.

    Example:
        >>> import numpy as np
        >>> check_features(3, real=np.zeros((2, 4)))
        Traceback (most recent call last):
        ValueError: real must have 3 rows or more, got 2
    """
    widths = {}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind != 'f':
            got = f'{array.dtype} {array.shape}' if isinstance(array, np.ndarray) else type(array)
            raise ValueError(f'{name} must be a floating-point array of shape (N, D), got {got}')
        if len(array) < minimum:
            raise ValueError(f'{name} must have {minimum} rows or more, got {len(array)}')
        if not np.isfinite(array).all():
            raise ValueError(f'{name} must be finite, got NaN or infinity in it')
        widths[name] = array.shape[1]
    if len(set(widths.values())) > 1:
        raise ValueError(f'{" and ".join(widths)} must have one width, got {widths}')
