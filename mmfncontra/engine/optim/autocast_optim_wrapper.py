"""Automatic mixed precision (AMP) without a gradient scaler."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmfncontra.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """An ``OptimWrapper`` whose ``optim_context`` autocasts to bfloat16, on a GPU or a CPU.

    bfloat16 has the exponent range of float32, so gradients are not scaled. (mmengine's
    ``AmpOptimWrapper`` refuses to work without an accelerator and scales.) Parameters, gradients
    and the optimiser's state stay float32.

    Args:
        dtype: 'bfloat16', the only type that trains without a scaler.
        **kwargs: ``optimizer``, ``accumulative_counts``, ``clip_grad`` of ``OptimWrapper``.

    Raises:
        ValueError: If ``dtype`` is another one.

    Example:
        >>> optim_wrapper = dict(type='AutocastOptimWrapper', optimizer=dict(type='Adam', lr=2e-4))
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs) -> None:
        if dtype != 'bfloat16':
            raise ValueError(
                f"dtype must be 'bfloat16', got {dtype!r}: other types need the gradient "
                "scaler of mmengine's AmpOptimWrapper"
            )
        super().__init__(**kwargs)
        self.dtype = torch.bfloat16

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast on the device of ``model`` (and hold back synchronisation as the base does).

        Args:
            model: The module that is trained; it has parameters.

        Yields:
            None
        """
        device_type = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device_type, self.dtype):
            yield
