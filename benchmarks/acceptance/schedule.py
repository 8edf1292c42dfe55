"""Runs checks, each in a process of its own with a limit of its own, within a budget."""

import contextlib
import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from .run import Run, read_lines

# Seconds without which a check is not begun, and those that ending it may take.
LEAST = 8
# A dry run is on a CPU that may have other work.
PATIENCE = 6


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: Its name.
        work: What it does, in a process that has not used the GPU yet.
        limit: Seconds after which it is ended.
        alone: Whether nothing may run beside it: it times something.
    """

    name: str
    work: Callable[[Run], None]
    limit: float
    alone: bool = True


@dataclass
class _Running:
    check: Check
    run: Run
    process: BaseProcess
    log: Path
    began: float


def run_checks(checks: Sequence[Check], base: Run) -> None:
    """Run checks in their order; a line says how each ended.

    A check begins when all before it have begun and nothing runs that it may not run beside. One
    that is over its limit, or over the end of the run, is killed with all it has started. In a dry
    run nothing is alone.

    Args:
        checks: The checks.
        base: The run; ``until`` is its end.
    """
    waiting, running = list(checks), []
    try:
        while waiting or running:
            while waiting and _may_begin(waiting[0], running, base.dry):
                check = waiting.pop(0)
                if base.left < LEAST:
                    message = 'no time was left for it'
                    replace(base, check=check.name).emit(
                        ended='not begun', fine=False, error=message
                    )
                else:
                    running.append(_begin(check, base))
            time.sleep(0.05)
            for one in list(running):
                if not one.process.is_alive() or one.run.left < 0:
                    running.remove(one)
                    _end(one)
    finally:
        for one in running:
            _kill(one.process)


def _may_begin(check: Check, running: Sequence[_Running], dry: bool) -> bool:
    if dry:
        return len(running) < (os.cpu_count() or 1)
    return not running or not (check.alone or any(one.check.alone for one in running))


def _begin(check: Check, base: Run) -> _Running:
    began = time.monotonic()
    limit = check.limit * (PATIENCE if base.dry else 1)
    run = replace(base, check=check.name, until=min(base.until, began + limit))
    log = base.work / f'{check.name}.log'
    # It shares what is imported; the GPU is untouched here, or a fork could not use it.
    process = get_context('fork').Process(target=_work, args=(check, run, log))
    process.start()
    return _Running(check, run, process, log, began)


def _work(check: Check, run: Run, log: Path) -> None:
    os.setsid()  # what it starts ends with it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    write_to(log)
    faulthandler.enable()
    try:
        check.work(run)
    except Exception as error:
        traceback.print_exc()
        run.failed(error)
        sys.exit(1)


def write_to(file: Path) -> None:
    """Let this process, and what it starts, write its output and errors to a file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number, name in ((1, 'stdout'), (2, 'stderr')):
        os.dup2(descriptor, number)
        setattr(sys, name, os.fdopen(number, 'w', buffering=1, encoding='utf-8', closefd=False))
    os.close(descriptor)


def _end(one: _Running) -> None:
    late = one.process.is_alive()
    _kill(one.process)
    facts: dict[str, object] = dict(ended='late' if late else 'done')
    if late:
        facts |= dict(fine=False, error='it took too long')
    elif one.process.exitcode:
        facts = dict(ended='failed', fine=False, exit_code=one.process.exitcode)
    elif not any(line['check'] == one.check.name for line in read_lines(one.run.results)):
        facts |= dict(fine=False, error='it said nothing')
    one.run.emit(**facts, seconds=round(time.monotonic() - one.began, 1))
    if one.log.exists():
        with open(one.run.files / 'log.txt', 'a', encoding='utf-8') as log:
            text = one.log.read_text(encoding='utf-8', errors='replace')
            log.write(f'######## {one.check.name}\n{text[-200_000:]}\n')


def _kill(process: BaseProcess) -> None:
    """End a check and what it has started, which may outlive it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # should it have had no time to make a group of its own
    process.join()
