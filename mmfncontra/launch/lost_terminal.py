"""Hang-up: what a process does without the terminal it was started from."""

import os
import signal
import stat
from contextlib import suppress


def leave_lost_terminal(number: int) -> None:
    """Write nothing to the terminal any more, if a signal says that it is closing.

    To write to a terminal that is gone is an error, which would end a training before it has saved.
    Files and pipes are written to as before.

    Args:
        number: The signal; any other than SIGHUP changes nothing.
    """
    if number != getattr(signal, 'SIGHUP', None):
        return
    for descriptor in (1, 2):
        with suppress(OSError):  # closed
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, descriptor)
                os.close(null)
