"""Random numbers of a batch, those of each image from a stream of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# Draws of a new tensor: what makes the empty tensor, and what fills it, as torch itself does it.
_NEW = {
    aten.randn.default: (torch.empty, 'normal_'),
    aten.rand.default: (torch.empty, 'uniform_'),
    aten.randn_like.default: (torch.empty_like, 'normal_'),
    aten.rand_like.default: (torch.empty_like, 'uniform_'),
}
_IN_PLACE = {
    aten.normal_.default: 'normal_',
    aten.uniform_.default: 'uniform_',
    aten.bernoulli_.float: 'bernoulli_',
}

_HALF = (torch.float16, torch.bfloat16)


class PerImageDraws(TorchDispatchMode):
    """Inside, a network that draws for a batch gets what it would draw for each image alone.

    A draw whose first dimension is the batch is served row by row, row i from a generator seeded
    with ``seeds[i]``: the numbers are those of a batch of one after ``torch.manual_seed``. Any
    other draw is torch's own and moves the state of torch's default generator, by which the
    caller knows that the images of the batch are not independent.

    Args:
        seeds: Seeds of the images of the batch, of up to 64 bits.
        expected: ``shapes`` of a single image in the same network. A draw of another shape is
            none of this batch, though its first dimension may happen to be as long.
        in_float32: Draw in float32 what is asked for in half precision, and round it. torch's own
            half-precision draws are other numbers, not the same ones rounded.

    Attributes:
        shapes: Shape of each draw that was served, without the first dimension.

    Example:
        >>> import torch
        >>> with PerImageDraws([3, 5]) as draws:
        ...     both = torch.randn(2, 1, 4)
        >>> alone = torch.randn(1, 1, 4, generator=torch.Generator().manual_seed(5))
        >>> torch.equal(both[1:], alone), draws.shapes
        (True, [(1, 4)])
    """

    def __init__(
        self,
        seeds: Sequence[int],
        expected: Sequence[tuple[int, ...]] | None = None,
        in_float32: bool = False,
    ) -> None:
        super().__init__()
        self.seeds, self.expected, self.in_float32 = seeds, expected, in_float32
        self.shapes: list[tuple[int, ...]] = []
        self._streams: dict[torch.device, list[torch.Generator]] = {}

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """Serve a draw, or call anything else as it is."""
        kwargs = kwargs or {}
        if func in _NEW:
            size = args[0].shape if isinstance(args[0], Tensor) else args[0]
            if self._is_per_image(size):
                make, fill = _NEW[func]
                return self._fill(make(args[0], **kwargs), fill, ())
        elif (
            func in _IN_PLACE
            and kwargs.get('generator') is None
            and self._is_per_image(args[0].shape)
        ):
            return self._fill(args[0], _IN_PLACE[func], args[1:])
        return func(*args, **kwargs)

    def _is_per_image(self, size: Sequence[int]) -> bool:
        if not len(size) or size[0] != len(self.seeds):
            return False
        done = len(self.shapes)
        return self.expected is None or tuple(size[1:]) in self.expected[done : done + 1]

    def _fill(self, out: Tensor, fill: str, args: tuple) -> Tensor:
        if out.device not in self._streams:
            self._streams[out.device] = [
                torch.Generator(out.device).manual_seed(seed) for seed in self.seeds
            ]
        drawn = out.float() if self.in_float32 and out.dtype in _HALF else out
        for i, stream in enumerate(self._streams[out.device]):
            getattr(drawn[i : i + 1], fill)(*args, generator=stream)
        self.shapes.append(tuple(out.shape[1:]))
        return out if drawn is out else out.copy_(drawn)
