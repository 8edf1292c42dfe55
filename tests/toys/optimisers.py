"""Optimisers of a generator and a discriminator."""

from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn


def optimisers(
    model: nn.Module,
    kind: type = torch.optim.Adam,
    wrapper: type = OptimWrapper,
    lr: float = 1e-3,
    wrapped: dict | None = None,
    **settings: Any,
) -> OptimWrapperDict:
    """Of one kind for both networks; ``wrapped`` is for the wrappers, the rest for it."""
    built = {}
    for name in ('generator', 'discriminator'):
        optimizer = kind(getattr(model, name).parameters(), lr=lr, **settings)
        built[name] = wrapper(optimizer=optimizer, **(wrapped or {}))
    return OptimWrapperDict(**built)
