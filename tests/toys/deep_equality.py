"""What differs between two checkpoints, bit for bit."""

from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer


def differences(a: Any, b: Any, path: str = '') -> list[str]:
    """Paths of what is not the same in two nested structures."""
    if isinstance(a, HistoryBuffer) and isinstance(b, HistoryBuffer):
        return differences(a.data, b.data, path)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        same = a.dtype == b.dtype and a.shape == b.shape
        same = same and a.contiguous().numpy().tobytes() == b.contiguous().numpy().tobytes()
        return [] if same else [path]
    if type(a) is not type(b):
        return [path]
    if isinstance(a, np.ndarray):
        return [] if a.shape == b.shape and a.tobytes() == b.tobytes() else [path]
    if isinstance(a, dict):
        missing = [f'{path}.{key}' for key in a.keys() ^ b.keys()]
        shared = [key for key in a if key in b]
        return missing + [d for key in shared for d in differences(a[key], b[key], f'{path}.{key}')]
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return [path]
        pairs = enumerate(zip(a, b, strict=True))
        return [d for i, (x, y) in pairs for d in differences(x, y, f'{path}[{i}]')]
    return [] if a == b or (a != a and b != b) else [path]
