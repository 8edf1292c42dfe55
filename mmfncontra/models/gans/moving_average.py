"""Moving average of a generator, all of its weights at once."""

from typing import Any

import torch
from mmagic.models.base_models import ExponentialMovingAverage
from torch import Tensor, nn

from mmfncontra.registry import MODELS


@MODELS.register_module()
class MovingAverage(ExponentialMovingAverage):
    r"""mmagic's moving average in a few calls for all weights, without waiting for the device.

    .. math:: w_{ema} \leftarrow w_{ema} + m\,(w - w_{ema})

    The first update copies the weights. Buffers (BatchNorm statistics) are always copied. Names in
    checkpoints are mmagic's. After the first one, an update is the same operations in place every
    time, so that it can be captured in a CUDA graph.

    Args:
        model: The generator.
        momentum: m, the share of the new weights, in (0, 1).

    Attributes:
        module: The average, a copy of the generator.
        steps: Updates so far, a buffer.

    Raises:
        ValueError: If ``momentum`` is out of its range.

    Example:
        >>> import torch
        >>> generator = torch.nn.Linear(2, 2)
        >>> average = MovingAverage(generator, momentum=0.1)
        >>> average.update_parameters(generator)
        >>> torch.equal(average.module.weight, generator.weight)
        True
    """

    def __init__(self, model: nn.Module, momentum: float = 0.0002) -> None:
        if not 0 < momentum < 1:
            raise ValueError(f'momentum must be in (0, 1), got {momentum}')
        super().__init__(model, momentum)
        # What `steps > 0` says, where asking the device would make the host wait.
        self._has_started = False

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards a model's weights; the first call copies them.

        Args:
            model: The generator.
        """
        averages, weights = list(self.module.parameters()), list(model.parameters())
        if averages and self._has_started:
            self._follow(averages, weights)
        else:
            _copy(averages, weights)
            self._has_started = True
        _copy(list(self.module.buffers()), list(model.buffers()))
        self.steps += 1

    def _follow(self, averages: list[Tensor], weights: list[Tensor]) -> None:
        torch._foreach_lerp_(averages, weights, self.momentum)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._has_started = bool(state_dict[f'{prefix}steps'] > 0)


def _copy(targets: list[Tensor], sources: list[Tensor]) -> None:
    """Copy tensors; those of one type go in one call."""
    by_type: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for target, source in zip(targets, sources, strict=True):
        pair = by_type.setdefault(target.dtype, ([], []))
        pair[0].append(target)
        pair[1].append(source)
    for some_targets, some_sources in by_type.values():
        torch._foreach_copy_(some_targets, some_sources)
