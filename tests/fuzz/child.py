"""Running what may crash in a process of its own."""

import multiprocessing
import resource
import traceback
from collections.abc import Callable

# Beyond what the process has at its start: a file of a few kilobytes must not need it.
MEMORY = 2**30


def _limited(function: Callable[[], None]) -> None:
    with open('/proc/self/statm') as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    try:
        function()
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None


def run_in_child(function: Callable[[], None], seconds: float) -> None:
    """Run a function in a fork that may take 1 GiB more memory and so many seconds."""
    process = multiprocessing.get_context('fork').Process(target=_limited, args=(function,))
    process.start()
    process.join(seconds)
    hangs = process.is_alive()
    if hangs:
        process.kill()
        process.join()
    assert not hangs, f'not done in {seconds} s'
    assert process.exitcode == 0, f'ended with {process.exitcode}; a crash if it is negative'
