"""Signal handling before a training: leaving when told to, while there is nothing to save."""

import os
import signal
import threading
from types import FrameType

from .contract import PREEMPTED, heard_signals


def leave_when_told() -> None:
    """Leave with :data:`~.contract.PREEMPTED` upon SIGTERM, SIGUSR1 and SIGHUP, at once.

    That is until something else handles them, such as a training that can be saved. A thread
    listens: a process that waits for others (the ranks of a training do when they start) comes to
    no handler of python's.
    """
    numbers = set(heard_signals()) - {signal.SIGINT}
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    for number in numbers:
        signal.signal(number, _nothing)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(told, numbers), daemon=True).start()


def _nothing(number: int, frame: FrameType | None) -> None:
    """What the system needs to write to the pipe."""


def _listen(told: int, numbers: set[int]) -> None:
    while heard := os.read(told, 1):
        if heard[0] in numbers and signal.getsignal(heard[0]) is _nothing:
            os._exit(PREEMPTED)
