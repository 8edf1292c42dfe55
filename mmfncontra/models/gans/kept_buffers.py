"""Buffers as they were before a step."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class KeptBuffers:
    """A copy of all buffers of a module, in a few calls for any number of them.

    Args:
        module: The module, its buffers changed in place from here on.

    Example:
        >>> norm = torch.nn.BatchNorm1d(1)
        >>> kept = KeptBuffers(norm)
        >>> _ = norm(torch.full((2, 1), torch.nan))
        >>> kept.restore(torch.tensor(True))
        >>> norm.running_mean.item()
        0.0
    """

    @torch.no_grad()
    def __init__(self, module: nn.Module) -> None:
        kinds: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for buffer in module.buffers():
            kinds.setdefault((buffer.device, buffer.dtype), []).append(buffer)
        self._kept = [(buffers, _flat(buffers)) for buffers in kinds.values()]

    @torch.no_grad()
    def restore(self, where: Tensor) -> None:
        """Put the values back.

        Args:
            where: Whether to, a bool on the device of the buffers, ().
        """
        for buffers, kept in self._kept:
            values = torch.where(where, kept, _flat(buffers))
            parts = values.split([buffer.numel() for buffer in buffers])
            shaped = [part.view(b.shape) for part, b in zip(parts, buffers, strict=True)]
            torch._foreach_copy_(buffers, shaped)


def _flat(buffers: Sequence[Tensor]) -> Tensor:
    return torch.cat([buffer.reshape(-1) for buffer in buffers])
