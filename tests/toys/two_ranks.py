"""Runs a function on two ranks of a gloo group."""

import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed


def _rank(rank: int, folder: Path, function: Callable, arguments: tuple, barrier: Any) -> None:
    # A forked process does not have torch's threads.
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2,
        timeout=timedelta(seconds=100),
    )  # fmt: skip
    try:
        result = function(*arguments)
    except ValueError as error:
        result = error
    torch.save(result, folder / f'{rank}.pt')
    barrier.wait()
    distributed.destroy_process_group()


def on_two_ranks(function: Callable, *arguments: Any, folder: Path, method: str = 'fork') -> list:
    """What a function of a module returns, or the ValueError it raises, on each of two ranks."""
    # Forked processes import nothing again, but may not be forked after a backward pass that
    # had threads, or from one with a GPU.
    context = multiprocessing.get_context('spawn' if torch.cuda.is_available() else method)
    barrier = context.Barrier(2, timeout=60)
    ranks = [
        context.Process(target=_rank, args=(rank, folder, function, arguments, barrier))
        for rank in range(2)
    ]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(120)
        rank.kill()
    assert [rank.exitcode for rank in ranks] == [0, 0]
    return [torch.load(folder / f'{rank}.pt', weights_only=False) for rank in range(2)]
