"""Buffers as they were before a step."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class KeptBuffers:
    """Copies all buffers of a module and puts them back, in a few calls for any number of them.

    Modules are walked through at the first call alone: that takes longer than the copies. Buffers
    that are replaced later are seen, modules are not.

    Example:
        >>> norm, kept = torch.nn.BatchNorm1d(1), KeptBuffers()
        >>> kept.keep(norm)
        >>> _ = norm(torch.full((2, 1), torch.nan))
        >>> kept.restore(torch.tensor(True))
        >>> norm.running_mean.item()
        0.0
    """

    def __init__(self) -> None:
        self._homes: list[dict[str, Tensor | None]] = []
        self._kept: list[tuple[list[Tensor], Tensor]] = []

    @torch.no_grad()
    def keep(self, module: nn.Module) -> None:
        """Copy the buffers, which are changed in place from here on.

        Args:
            module: The same module in every call.
        """
        self._homes = self._homes or [each._buffers for each in module.modules()]
        buffers = {id(buffer): buffer for home in self._homes for buffer in home.values()}
        kinds: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for buffer in buffers.values():
            if buffer is not None:
                kinds.setdefault((buffer.device, buffer.dtype), []).append(buffer)
        self._kept = [(buffers, _flat(buffers)) for buffers in kinds.values()]

    @torch.no_grad()
    def restore(self, where: Tensor) -> None:
        """Put the copied values back, and drop the copies.

        Args:
            where: Whether to, a bool on the device of the buffers, ().
        """
        for buffers, kept in self._kept:
            values = torch.where(where, kept, _flat(buffers))
            parts = values.split([buffer.numel() for buffer in buffers])
            shaped = [part.view(b.shape) for part, b in zip(parts, buffers, strict=True)]
            torch._foreach_copy_(buffers, shaped)
        self._kept = []


def _flat(buffers: Sequence[Tensor]) -> Tensor:
    return torch.cat([buffer.reshape(-1) for buffer in buffers])
