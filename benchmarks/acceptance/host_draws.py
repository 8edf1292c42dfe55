"""Random numbers that do not depend on the device."""

from collections.abc import Callable

import torch
from torch.overrides import TorchFunctionMode

_MAKE = {torch.rand, torch.randn, torch.randint, torch.randperm}
_MAKE_LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}
_FILL = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    torch.Tensor.bernoulli_,
    torch.Tensor.random_,
    torch.Tensor.exponential_,
}


class HostDraws(TorchFunctionMode):
    """Draws on the CPU what is to be drawn on a device, and hands it over.

    The same seed then gives the same numbers wherever a step runs, at the price of a copy each.
    What is drawn in another way comes from the device, whose generator shows it.
    """

    def __torch_function__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = dict(kwargs or {})
        if func in _MAKE:
            device = kwargs.pop('device', None)
            drawn = func(*args, **kwargs, device='cpu')
            return drawn if device is None else drawn.to(device)
        if func in _MAKE_LIKE:
            like = args[0]
            dtype = kwargs.get('dtype') or like.dtype
            return _MAKE_LIKE[func](like.shape, dtype=dtype, device='cpu').to(like.device)
        if func in _FILL:
            target = args[0]
            drawn = torch.empty(target.shape, dtype=target.dtype, device='cpu')
            with torch.no_grad():
                return target.copy_(func(drawn, *args[1:], **kwargs))
        return func(*args, **kwargs)
