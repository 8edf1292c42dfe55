"""Parent-death signal: processes that do not outlive the one that started them."""

import ctypes
import os
import signal
import sys

from .contract import LAUNCHER_VARIABLE

_PR_SET_PDEATHSIG = 1


def leave_with_parent(launcher: str, number: int = signal.SIGTERM) -> bool:
    """Ask Linux to send this process a signal when its launcher dies.

    A launcher that is killed (SIGKILL, out of memory) cannot end its ranks, which would go on
    training unseen. With SIGTERM they save and leave. Children of this process do not inherit it.

    Args:
        launcher: ``'none'`` changes nothing, as does another system than Linux.
        number: The signal.

    Returns:
        Whether the request was made.

    Raises:
        OSError: If the kernel refuses.
    """
    if launcher == 'none' or not sys.platform.startswith('linux'):
        return False
    parent = int(os.environ.get(LAUNCHER_VARIABLE, os.getppid()))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f'prctl: {os.strerror(code)}')
    # It may have died before it was asked for.
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
    return True
