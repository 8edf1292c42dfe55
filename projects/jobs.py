"""Several trainings at a time."""

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any


def run_jobs(
    function: Callable, jobs: Mapping[Hashable, tuple], processes: int | None = None
) -> Iterator[tuple[Any, Any]]:
    """Call a function once a job, in processes of one thread each.

    Small networks on a CPU gain more from this than from threads, and what they compute does not
    depend on how many processes there are.

    Args:
        function: Of a module, so that another process finds it.
        jobs: Its arguments, which pickle, by the name of each job.
        processes: How many at a time; ``None``: as many as there are cores. 1: in this process.

    Yields:
        The name of a job and what the function returned, in the order in which they end.

    Raises:
        Exception: What the function raises; jobs that have not begun are dropped.
    """
    processes = min(processes or os.cpu_count() or 1, len(jobs))
    if processes <= 1:
        _use_one_thread()
        for name, arguments in jobs.items():
            yield name, function(*arguments)
        return
    # A forked process would inherit the threads of torch, which do not run in it.
    pool = ProcessPoolExecutor(processes, get_context('spawn'), initializer=_use_one_thread)
    try:
        futures = {pool.submit(function, *arguments): name for name, arguments in jobs.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)
