"""Moving average of a generator, all of its weights at once."""

from typing import Any

import torch
from mmagic.models.base_models import ExponentialMovingAverage
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_interval


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
        check_interval('(0, 1)', momentum=momentum)
        # Beside the weights, or a graph could not count.
        device = next((weight.device for weight in model.parameters()), None)
        super().__init__(model, momentum, device=device)
        # What `steps > 0` says, where asking the device would make the host wait.
        self._has_started = False

    @torch.no_grad()
    def update_parameters(self, model: nn.Module, skip: Tensor | None = None) -> None:
        """Move the average towards a model's weights; the first call copies them.

        Args:
            model: The generator.
            skip: 1.0 where the averaged weights are to stay, which leaves the buffers and the count
                to the caller; 0.0 elsewhere, ().
        """
        averages, weights = list(self.module.parameters()), list(model.parameters())
        if averages and self._has_started:
            share = self._share()
            if skip is not None:
                share = share * (1 - skip)
            if not isinstance(share, Tensor):
                torch._foreach_lerp_(averages, weights, share)
            elif share.is_cuda:  # lerp has no fast kernel for one tensor of a share for all
                moves = torch._foreach_sub(weights, averages)
                torch._foreach_mul_(moves, share)
                torch._foreach_add_(averages, moves)
            else:
                shares = [share.to(average) for average in averages]
                torch._foreach_lerp_(averages, weights, shares)
        else:
            _copy(averages, weights)
            self._has_started = True
        _copy(list(self.module.buffers()), list(model.buffers()))
        self.steps += 1

    def _share(self) -> float | Tensor:
        """Share of the new weights, a number or ()."""
        return self.momentum

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._has_started = bool(state_dict[f'{prefix}steps'] > 0)


def start_average(average: nn.Module, generator: nn.Module) -> None:
    """Let an average start from a generator as it is before its first update.

    The average would otherwise take the first update whole.

    Args:
        average: Any average of mmengine's or mmagic's kind; one that has started stays as it is.
        generator: The generator.
    """
    if average.steps == 0:
        average.update_parameters(generator)


def update_average(average: nn.Module, generator: nn.Module, skip: Tensor) -> None:
    """Move an average on, unless the generator's step was left out.

    Args:
        average: Any average of mmengine's or mmagic's kind.
        generator: The generator.
        skip: 1.0 where the average is to stay, see :meth:`MovingAverage.update_parameters`, ().
    """
    if isinstance(average, MovingAverage):
        average.update_parameters(generator, skip)
    elif not skip:  # others read values of the device anyway
        average.update_parameters(generator)


def _copy(targets: list[Tensor], sources: list[Tensor]) -> None:
    """Copy tensors; those of one type go in one call."""
    by_type: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for target, source in zip(targets, sources, strict=True):
        pair = by_type.setdefault(target.dtype, ([], []))
        pair[0].append(target)
        pair[1].append(source)
    for some_targets, some_sources in by_type.values():
        torch._foreach_copy_(some_targets, some_sources)
