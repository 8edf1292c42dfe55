"""What a process on the stand-in asks of its device: counts, and a watch that says who asked."""

import ctypes
import os
import sys
import threading
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).parents[2]
# Theirs are not the frames that somebody looks for.
_OURS = (__file__, traceback.__file__, '/torch/utils/_python_dispatch.py')

_library = ctypes.CDLL(os.environ['CUDA_STAND_IN'])
_library.stand_in_count_name.restype = ctypes.c_char_p
_NAMES = [_library.stand_in_count_name(i).decode() for i in range(_library.stand_in_num_counts())]
_LISTENER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
_work = _library.stand_in_work
_work.restype = ctypes.c_long


def counts() -> dict[str, int]:
    """How often each thing was done since the process began."""
    values = (ctypes.c_long * len(_NAMES))()
    _library.stand_in_counts(values)
    return dict(zip(_NAMES, values, strict=True))


@dataclass
class Event:
    """A wait, a copy between host and device, or a call that a capture forbids."""

    what: str  # the name of its count
    op: str | None  # the aten op in which it was, if in one
    where: list[str]  # file:line of the callers, the innermost first; none of torch's own
    stack: list[str]  # the same of all callers
    address: int | None = None  # of the host's side of a copy
    bytes: int = 0

    @property
    def begins_recording(self) -> bool:
        """Whether it is torch, which waits for the device before it records a graph."""
        return self.what == 'device_sync' and self.stack[1].startswith('torch/cuda/graphs.py')

    def __str__(self) -> str:
        size = f' of {self.bytes} bytes' if self.bytes else ''
        return f'{self.what}{size} {place(self.op, self.where or self.stack)}'


def place(op: object, callers: list[str]) -> str:
    """Name an op, if there is one, and its innermost callers."""
    return f'in {op or "no op"}, called at {" < ".join(callers[:6])}'


def innermost_first(frames: list[traceback.FrameSummary], torchs: bool = False) -> list[str]:
    """Describe frames as ``file:line``, without the watch's own, and with or without torch's."""
    return [
        _shown(frame)
        for frame in reversed(frames)
        if not frame.filename.endswith(_OURS)
        and (torchs or 'site-packages/torch/' not in frame.filename)
    ]


class Watch(TorchDispatchMode):
    """Records the launches of each aten op, and every event, while it is entered.

    An op's events in a backward pass, which runs in a thread of its own, are put down to who called
    the backward pass.

    Attributes:
        launches: Launches by op, copies and fills on the device among them.
        events: In the order in which they happened.
        failed: The op that raised an error, if one did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.launches: Counter[OpOverload] = Counter()
        self.events: list[Event] = []
        self.failed: OpOverload | None = None
        self._current = threading.local()
        self._listener = _LISTENER(self._hear)

    def __enter__(self) -> 'Watch':
        _library.stand_in_listen(self._listener)
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        _library.stand_in_listen(None)
        super().__exit__(*exception)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self._current.op, before = func, _work()
        try:
            return func(*args, **(kwargs or {}))
        except Exception:
            self.failed = func
            raise
        finally:
            self._current.op = None
            self.launches[func] += _work() - before

    def _hear(self, what: bytes, address: int | None, size: int) -> None:
        op = getattr(self._current, 'op', None)
        frames = traceback.extract_stack()
        main = threading.main_thread().ident
        if threading.get_ident() != main:
            frames = traceback.extract_stack(sys._current_frames()[main]) + frames
        where, stack = innermost_first(frames), innermost_first(frames, torchs=True)
        self.events.append(Event(what.decode(), op and str(op), where, stack, address, size))


def _shown(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    if path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    return f'{str(path).rpartition("site-packages/")[2]}:{frame.lineno}'
