"""Half precision: what autocast computes in, and numbers that it must not round."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

PRECISIONS = ('float32', 'bfloat16', 'float16')
"""Names of what a network may compute in; the lower ones are autocast's."""


def without_autocast(device: torch.device) -> AbstractContextManager:
    """A context in which nothing is cast to half precision.

    Args:
        device: Where the computation is; one that knows no autocast (the meta device) is fine.
    """
    if device.type == 'meta':
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def check_precision(precision: str) -> str:
    """Raise ``ValueError`` unless ``precision`` is one of :data:`PRECISIONS`, and return it."""
    if precision not in PRECISIONS:
        raise ValueError(f'precision must be one of {", ".join(PRECISIONS)}, got {precision!r}')
    return precision


def autocast_to(precision: str, device: torch.device) -> AbstractContextManager:
    """Autocast to a lower precision; nothing at all for ``'float32'``.

    Args:
        precision: One of :data:`PRECISIONS`.
        device: Where the network is.
    """
    if precision == 'float32':
        return nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, precision))


def widen(x: Tensor) -> Tensor:
    """``x`` in float32 where it came out of a half-precision forward, else unchanged.

    Raises:
        TypeError: If ``x`` is no real floating-point tensor.
    """
    if not x.is_floating_point():
        raise TypeError(
            f'x has dtype {x.dtype}, but must be a floating-point tensor: convert images first, '
            'for example with x.float() / 127.5 - 1'
        )
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
