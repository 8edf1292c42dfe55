"""Numbers that autocast must not round."""

from contextlib import AbstractContextManager, nullcontext

import torch


def without_autocast(device: torch.device) -> AbstractContextManager:
    """A context in which nothing is cast to half precision.

    Args:
        device: Where the computation is; one that knows no autocast (the meta device) is fine.
    """
    if device.type == 'meta':
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
