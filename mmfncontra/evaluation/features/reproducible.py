"""Networks whose numbers do not depend on the settings of a training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmfncontra.utils.precision import without_autocast


@contextmanager
def reproducible(device: torch.device | str = 'cpu') -> Iterator[None]:
    """Compute in float32 throughout: no autocast, no TF32, no benchmarked kernels, no gradients.

    A training may have switched any of these on, and a metric would then change by some thousandth
    from one machine or setting to the other.

    Args:
        device: Where the network is.
    """
    with (
        torch.no_grad(),
        without_autocast(torch.device(device)),
        torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled,
            benchmark=False,
            deterministic=True,
            allow_tf32=False,
        ),
        _exact_products(),
    ):
        yield


@contextmanager
def _exact_products() -> Iterator[None]:
    # Each by its own switch: the one for all (torch.set_float32_matmul_precision) raises where it
    # finds them set apart, as env_cfg.tf32 of a training leaves them (torch 2.9 to at least 2.11).
    switches = [(torch.backends.cuda.matmul, 'allow_tf32', False)]
    if hasattr(torch.backends.mkldnn, 'matmul'):  # of the CPU; since torch 2.9
        switches.append((torch.backends.mkldnn.matmul, 'fp32_precision', 'ieee'))
    before = [getattr(backend, name) for backend, name, _ in switches]
    for backend, name, exact in switches:
        setattr(backend, name, exact)
    try:
        yield
    finally:
        for (backend, name, _), value in zip(switches, before, strict=True):
            setattr(backend, name, value)
