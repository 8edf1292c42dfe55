"""Networks whose numbers do not depend on the settings of a training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def full_precision(device: torch.device | str = 'cpu') -> Iterator[None]:
    """Compute in float32 throughout: no autocast, no TF32, no benchmarked kernels, no gradients.

    A training may have switched any of these on, and a metric would then change by some thousandth
    from one machine or setting to the other.

    Args:
        device: Where the network is.
    """
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('highest')
    try:
        with (
            torch.no_grad(),
            torch.autocast(torch.device(device).type, enabled=False),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
