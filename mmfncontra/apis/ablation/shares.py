"""Cores and GPUs shared among trainings that run at once."""

import os
from itertools import takewhile

from mmfncontra.utils.checks import check_integers


def machine_shares(jobs: int) -> list[dict[str, str]]:
    """Environment variables that keep each of several trainings to its share of the machine.

    The number of threads is not in the config, so that it does not make a run another one; a
    config's own ``env_cfg.num_threads`` wins, as does ``OMP_NUM_THREADS`` where it is set already.

    Args:
        jobs: Trainings that run at once.

    Returns:
        Variables of each: nothing for one alone, which has the whole machine; else the cores of
        this process divided by ``jobs``, at least one, and where there are GPUs one of those that
        this process may use. GPUs go round, so that more trainings than GPUs share them.

    Raises:
        ValueError: If ``jobs`` is no positive integer.
    """
    check_integers(jobs=jobs)
    if jobs == 1:
        return [{}]
    threads = os.environ.get('OMP_NUM_THREADS') or str(max(1, _count_cores() // jobs))
    shares = [{'OMP_NUM_THREADS': threads} for _ in range(jobs)]
    devices = visible_devices()
    for number, share in enumerate(shares if devices else ()):
        share['CUDA_VISIBLE_DEVICES'] = devices[number % len(devices)]
    return shares


def visible_devices() -> list[str]:
    """GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    given = os.environ.get('CUDA_VISIBLE_DEVICES')
    if given is not None:
        # CUDA sees none from the first on that it does not know.
        names = (name.strip() for name in given.split(','))
        return list(takewhile(lambda name: name and name != '-1', names))
    import torch  # which counts them without touching one

    return [str(number) for number in range(torch.cuda.device_count())]


def _count_cores() -> int:
    # Windows and macOS have no affinity.
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
