"""Runs the scripts of this repository as their command lines do."""

import os
import runpy
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from training_step import ROOT

from .schedule import write_to


def start(script: str, *arguments: object, output: Path | None = None) -> BaseProcess:
    """Start a script in a process of its own.

    It is a fork, which shares what is imported. So whoever starts one must not have used the GPU.

    Args:
        script: Path below the repository.
        *arguments: Its arguments.
        output: File for what it prints; default: the log of the check.
    """
    process = get_context('fork').Process(
        target=_run, args=(ROOT / script, list(map(str, arguments)), output)
    )
    process.start()
    return process


def exit_code(process: BaseProcess) -> int:
    """Wait for a script to end."""
    process.join()
    return process.exitcode


def run(script: str, *arguments: object, output: Path | None = None) -> int:
    """Run a script and return its exit code."""
    return exit_code(start(script, *arguments, output=output))


def _run(script: Path, arguments: list[str], output: Path | None) -> None:
    if output is not None:
        write_to(output)
    print('$', script.name, *arguments, flush=True)
    os.chdir(ROOT)
    sys.argv = [str(script), *arguments]
    runpy.run_path(str(script), run_name='__main__')


def in_a_fork(function: Callable[[], object]) -> object:
    """What a function returns in a process of its own, so that this one does not use the GPU."""
    receiver, sender = get_context('fork').Pipe(duplex=False)
    process = get_context('fork').Process(target=lambda: sender.send(function()))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()
