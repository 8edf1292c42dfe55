"""How long the steps of a training took."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from mmengine.logging import MessageHub
from mmengine.runner import Runner

# In the message hub beside ``train/time``, of one iteration; no log takes it up.
_TOTAL = 'time'


class TrainClock:
    """Counts the seconds of data and steps, over all processes that a training took.

    It stands still in :meth:`paused`: while the training validates, draws samples, is examined by
    the doctor, or is saved. Steps of a process that are lost, because it was killed after its last
    checkpoint, are not counted; those that a roll back throws away are.

    Args:
        device: Where the model is. A pause begins when it has done what it was told.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._total: float | None = 0.0
        self._running_since: float | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds up to now; None where those before a resumption are unknown."""
        if self._total is None or self._running_since is None:
            return self._total
        return self._total + time.perf_counter() - self._running_since

    def start(self, hub: MessageHub, iteration: int) -> None:
        """Begin to count, after what a checkpoint that was resumed says.

        Args:
            hub: Message hub of the training.
            iteration: Iterations done; 0 begins anew.
        """
        self._total = 0.0
        if iteration:
            history = hub.log_scalars.get(_TOTAL)
            known = history is not None and len(history.data[0]) > 0
            # Of a checkpoint from before there was a clock.
            self._total = float(history.data[0][-1]) if known else None
        self._running_since = time.perf_counter()

    def note(self, hub: MessageHub) -> None:
        """Let the next checkpoint say how many seconds there have been.

        Args:
            hub: Message hub of the training.
        """
        if self.seconds is not None:
            hub.update_scalar(_TOTAL, self.seconds)

    @contextmanager
    def paused(self) -> Iterator['TrainClock']:
        """Stand still within the context, which gives the clock; contexts may be nested."""
        runs = self._running_since is not None
        if runs:
            if self._device.type == 'cuda':
                torch.cuda.synchronize(self._device)
            self._total, self._running_since = self.seconds, None
        try:
            yield self
        finally:
            if runs:
                self._running_since = time.perf_counter()


def train_clock(runner: Runner) -> TrainClock | None:
    """The clock of a training; None where another loop than ours trains, or none does.

    Args:
        runner: The runner.
    """
    # Its property would build the loop.
    return getattr(getattr(runner, '_train_loop', None), 'clock', None)


def pause_clock(runner: Runner) -> AbstractContextManager[TrainClock | None]:
    """Context in which the clock of a training, which it gives, stands still.

    Args:
        runner: The runner.
    """
    clock = train_clock(runner)
    return nullcontext() if clock is None else clock.paused()
