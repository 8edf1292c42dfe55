"""Look at a training without changing it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def isolated_rng(seed: int, device: torch.device | str = 'cpu') -> Iterator[None]:
    """Seed torch, numpy and python inside, and give back their states on leaving.

    Args:
        seed: Seed of the randomness inside.
        device: Device whose generator is seeded and kept besides the CPU's.
    """
    device = torch.device(device)
    cuda = [device] if device.type == 'cuda' else []
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=cuda):
        try:
            # `torch.manual_seed` would reach the other GPUs too, whose states are not kept.
            torch.default_generator.manual_seed(seed)
            for gpu in cuda:
                with torch.cuda.device(gpu):
                    torch.cuda.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
