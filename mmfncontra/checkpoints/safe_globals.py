"""Pickle allow-list of ``torch.load(weights_only=True)`` for checkpoints of mmengine 0.10."""

import pickle
from collections.abc import Callable

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from .pickle_check import ARRAY_DTYPES, STATISTICS


def history_statistic(owner: type, name: str) -> Callable:
    """The only use of ``getattr`` that a checkpoint of mmengine makes.

    ``HistoryBuffer`` (mmengine 0.10) pickles its four statistics as ``getattr(HistoryBuffer,
    'min')`` and so on. This function is served in place of ``getattr`` while weights-only
    unpickling, where ``getattr`` itself would open the way to any object.

    Args:
        owner: ``HistoryBuffer``.
        name: 'min', 'max', 'current' or 'mean'.

    Returns:
        The method.

    Raises:
        pickle.UnpicklingError: For any other object or name.
    """
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise pickle.UnpicklingError(f'refused to look up {name!r} on {owner!r}')
    return getattr(HistoryBuffer, name)


def allow_training_checkpoints() -> None:
    """Let weights-only loading (the default since torch 2.6) read checkpoints of mmengine 0.10.

    They hold the running means of the log as ``HistoryBuffer`` objects over numpy arrays. What is
    allowed beyond torch's own list runs no code by itself, but a ``numpy.dtype`` takes its state
    unchecked: a forged one has numpy follow numbers as addresses. So files of unknown origin are
    read with :func:`mmfncontra.checkpoints.file.read_torch_file`, which refuses those first.
    Calling it again changes nothing.
    """
    # numpy 2 moved `numpy.core` to `numpy._core`; a file may come from either.
    numpy_2 = np.lib.NumpyVersion(np.__version__) >= '2.0.0'
    multiarray = np._core.multiarray if numpy_2 else np.core.multiarray
    allowed: list = [HistoryBuffer, (history_statistic, 'builtins.getattr'), np.ndarray, np.dtype]
    for package in ('numpy.core', 'numpy._core'):
        allowed.append((multiarray._reconstruct, f'{package}.multiarray._reconstruct'))
        allowed.append((multiarray.scalar, f'{package}.multiarray.scalar'))
    allowed += [type(np.dtype(name)) for name in ARRAY_DTYPES]
    torch.serialization.add_safe_globals(allowed)
