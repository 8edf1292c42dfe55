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
        seed (int): Seed of the randomness inside.
        device (torch.device or str): Device whose generator is kept, besides the CPU's.

    Yields:
        None
    """
    device = torch.device(device)
    numpy_state, python_state = np.random.get_state(), random.getstate()
    devices = [] if device.type == 'cpu' else [device]
    device_type = 'cuda' if device.type == 'cpu' else device.type
    with torch.random.fork_rng(devices=devices, device_type=device_type):
        try:
            torch.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
