"""Several trainings at a time."""

import os
from argparse import ArgumentParser
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from typing import Any

# Each process holds most of a gigabyte before it has an image.
_AT_MOST = 8


def default_jobs() -> int:
    """How many trainings fit at a time: the cores this process may use, at most 8."""
    if hasattr(os, 'sched_getaffinity'):
        return min(_AT_MOST, len(os.sched_getaffinity(0)))
    return min(_AT_MOST, os.cpu_count() or 1)


def add_jobs_option(parser: ArgumentParser) -> None:
    """Give a command the option ``--jobs``, see :func:`run_jobs` and :func:`default_jobs`.

    Args:
        parser: That of the command; a number below 1 is its error.
    """

    def number(text: str) -> int:
        value = int(text)
        if value < 1:
            parser.error(f'--jobs must be 1 or more, got {value}')
        return value

    parser.add_argument(
        '--jobs',
        type=number,
        default=default_jobs(),
        metavar='N',
        help='trainings at a time, of one thread each; default: one a core, at most 8',
    )


def run_jobs(
    function: Callable, jobs: Mapping[Hashable, tuple], processes: int
) -> Iterator[tuple[Any, Any]]:
    """Call a function once a job, in processes of one thread each.

    Small networks on a CPU gain more from this than from threads, and what they compute does not
    depend on how many processes there are.

    Args:
        function: Of a module, so that another process finds it.
        jobs: Its arguments, which pickle, by the name of each job.
        processes: How many at a time. 1: in this process, one after the other.

    Yields:
        The name of a job and what the function returned, in the order in which they end.

    Raises:
        Exception: What the function raises, when the other jobs that run have ended; no further one
            begins.
    """
    if min(processes, len(jobs)) <= 1:
        yield from _run_here(function, jobs)
        return
    # A forked process would inherit the threads of torch, which do not run in it.
    pool = ProcessPoolExecutor(processes, get_context('spawn'), initializer=_set_threads)
    waiting = iter(jobs.items())
    running: dict[Future, Hashable] = {}
    with pool:
        # No more than run: the pool would begin those it holds in spite of an error.
        while True:
            for name, arguments in islice(waiting, processes - len(running)):
                running[pool.submit(function, *arguments)] = name
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()


def _run_here(function: Callable, jobs: Mapping[Hashable, tuple]) -> Iterator[tuple[Hashable, Any]]:
    import torch

    threads = torch.get_num_threads()
    _set_threads()
    try:
        for name, arguments in jobs.items():
            yield name, function(*arguments)
    finally:
        _set_threads(threads)


def _set_threads(number: int = 1) -> None:
    import torch

    torch.set_num_threads(number)
