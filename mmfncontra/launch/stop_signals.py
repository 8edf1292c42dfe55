"""Signal handling in a training: it saves and leaves, all ranks after the same iteration."""

import os
import signal
import threading
from types import FrameType, TracebackType

import torch
from mmengine.dist import get_world_size

from .contract import INTERRUPTED, PREEMPTED, heard_signals
from .lost_terminal import leave_lost_terminal


class Stopped(Exception):
    """A training was asked to stop and has been saved.

    Args:
        signal_number: What asked.
        iteration: Iterations done.
    """

    def __init__(self, signal_number: int, iteration: int) -> None:
        self.name = signal.Signals(signal_number).name
        self.exit_code = INTERRUPTED if signal_number == signal.SIGINT else PREEMPTED
        self.iteration = iteration
        super().__init__(f'{self.name} at iteration {iteration}')


class StopSignals:
    """Notes the signals that ask to stop inside a ``with`` block, for the loop to ask about.

    These are SIGINT, SIGTERM, SIGUSR1 and, unless it is ignored, SIGHUP.

    Ranks agree: whichever was told, all of them learn of it after the same iteration. A second
    Ctrl-C does not wait for that.

    Example:
        >>> import os, signal
        >>> with StopSignals() as signals:
        ...     os.kill(os.getpid(), signal.SIGTERM)
        ...     signals.ask() == signal.SIGTERM
        True
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, object] = {}
        self._process = os.getpid()
        self._group: torch.distributed.ProcessGroup | None = None
        self._told: tuple[torch.Tensor, torch.distributed.Work] | None = None

    def __enter__(self) -> 'StopSignals':
        if threading.current_thread() is threading.main_thread():  # elsewhere it is not allowed
            for number in heard_signals():
                self._before[number] = signal.signal(number, self._note)
        if get_world_size() > 1:
            # Of its own, on the CPU: it does not wait for a GPU, nor for what else is sent.
            self._group = torch.distributed.new_group(backend='gloo')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is None:
            self._finish()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a data-loading worker, forked with this handler
            if number != signal.SIGINT:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return
        if number == self.received == signal.SIGINT:
            raise KeyboardInterrupt
        leave_lost_terminal(number)
        self.received = number

    def ask(self) -> int:
        """Ask after an iteration, on all ranks.

        What one rank is told arrives one iteration later, so that none waits for the others' answer
        to the present one.

        Returns:
            Number of a signal, the same on all ranks; 0 if there was none.
        """
        if self._group is None:
            return self.received
        answer = self._finish()
        flag = torch.tensor([self.received])
        work = torch.distributed.all_reduce(
            flag, torch.distributed.ReduceOp.MAX, group=self._group, async_op=True
        )
        self._told = flag, work
        return answer

    def _finish(self) -> int:
        if self._told is None:
            return 0
        flag, work = self._told
        self._told = None
        work.wait()
        return int(flag)
