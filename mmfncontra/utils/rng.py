"""Random number generators: seeds, and randomness that leaves no trace outside."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def continued_seed(seed: int, iteration: int) -> int:
    """Seed for what is random after an iteration, so that a resumed training repeats no numbers.

    Args:
        seed: Seed at the start.
        iteration: Iterations done.

    Returns:
        A number below 2^31, a function of both.
    """
    return int(np.random.SeedSequence([seed, iteration]).generate_state(1)[0] >> 1)


def seed_torch(seed: int, device: torch.device | str = 'cpu') -> None:
    """Seed torch's generators of the CPU and of one device.

    ``torch.manual_seed`` would reach the other GPUs too, whose states :func:`isolated_rng` does
    not keep.

    Args:
        seed: Seed, of up to 64 bits.
        device: Device whose generator is seeded besides the CPU's.
    """
    device = torch.device(device)
    torch.default_generator.manual_seed(seed)
    if device.type == 'cuda':
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


@contextmanager
def isolated_rng(seed: int, device: torch.device | str = 'cpu') -> Iterator[None]:
    """Seed torch, numpy and python inside, and give back their states on leaving.

    Args:
        seed: Seed of the randomness inside; numpy takes its lowest 32 bits.
        device: Device whose generator is seeded and kept besides the CPU's.
    """
    device = torch.device(device)
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=[device] if device.type == 'cuda' else []):
        try:
            seed_torch(seed, device)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
