"""What each process of a training has for itself: random numbers, statistics of its own images."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn

from mmfncontra.utils.unwrap import unwrap

from .portable_names import portable_state

_MALFORMED = (AttributeError, LookupError, OverflowError, RuntimeError, TypeError, ValueError)


def get_random_state(device: torch.device) -> dict[str, Any]:
    """States of all generators of the process.

    Args:
        device: That of the model.

    Returns:
        Tensors and plain numbers, which weights-only loading reads.
    """
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    version, words, next_gauss = random.getstate()
    state = dict(
        python=[version, torch.tensor(words), next_gauss],
        numpy=[kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        torch=torch.get_rng_state(),
    )
    if device.type != 'cpu':
        state['device'] = torch.get_device_module(device).get_rng_state(device)
    return state


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Go on with the random numbers of another time.

    Args:
        state: From :func:`get_random_state`.
        device: That of the model. Its generator stays as it is if the state was taken on the CPU.

    Raises:
        ValueError: If it is no such state.
    """
    try:
        version, words, next_gauss = state['python']
        random.setstate((version, tuple(words.tolist()), next_gauss))
        kind, keys, *rest = state['numpy']
        np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
        torch.set_rng_state(state['torch'])
        if device.type != 'cpu' and 'device' in state:
            torch.get_device_module(device).set_rng_state(state['device'], device)
    except _MALFORMED as error:
        raise ValueError(f'random states must be those of a training, got {error}') from error


def get_buffers(model: nn.Module) -> dict[str, Tensor]:
    """Buffers that a checkpoint holds, on the CPU, under the names they have on one device.

    Args:
        model: A model, in a data-parallel wrapper or not.
    """
    model = unwrap(model)
    state = portable_state(model)
    parameters = portable_state(model, dict(model.named_parameters()))
    return {
        name: value.detach().cpu()
        for name, value in state.items()
        if name not in parameters and isinstance(value, Tensor)
    }


def _by_name(optim_wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, OptimWrapper]:
    if isinstance(optim_wrapper, OptimWrapperDict):
        return dict(optim_wrapper.items())
    return {'': optim_wrapper}


def _parameters(optim_wrapper: OptimWrapper) -> list[nn.Parameter]:
    return [p for group in optim_wrapper.param_groups for p in group['params']]


def get_accumulated(optim_wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, dict[str, Any]]:
    """Gradients that wait for more of their kind (``accumulative_counts``).

    Args:
        optim_wrapper: The optimisers.

    Returns:
        By name of those that accumulate, ``count`` and ``gradients``, one or None by parameter, on
        the CPU; none right after an update.
    """
    accumulated = {}
    for name, wrapper in _by_name(optim_wrapper).items():
        if wrapper._accumulative_counts > 1:
            gradients = []
            if wrapper._inner_count % wrapper._accumulative_counts:
                found = [parameter.grad for parameter in _parameters(wrapper)]
                gradients = [None if gradient is None else gradient.cpu() for gradient in found]
            accumulated[name] = dict(count=wrapper._inner_count, gradients=gradients)
    return accumulated


def set_accumulated(
    optim_wrapper: OptimWrapper | OptimWrapperDict, accumulated: dict[str, dict[str, Any]]
) -> None:
    """Go on accumulating.

    Args:
        optim_wrapper: The optimisers.
        accumulated: From :func:`get_accumulated`; what else is there has nothing accumulated.

    Raises:
        ValueError: If it is something else, or of other parameters.
    """
    for name, wrapper in _by_name(optim_wrapper).items():
        wrapper.zero_grad()
        if name not in accumulated:
            continue
        try:
            wrapper._inner_count = int(accumulated[name]['count'])
            if gradients := accumulated[name]['gradients']:
                for parameter, gradient in zip(_parameters(wrapper), gradients, strict=True):
                    parameter.grad = None if gradient is None else gradient.to(parameter)
        except _MALFORMED as error:
            raise ValueError(
                f'accumulated gradients of {name} must be those of its parameters, got {error}'
            ) from error


def gather_rank_states(
    model: nn.Module, optim_wrapper: OptimWrapper | OptimWrapperDict, device: torch.device
) -> list[dict[str, Any]]:
    """What a checkpoint needs of every rank beyond what it has of the first.

    Parameters are the same on all ranks. Buffers need not be: statistics of BatchNorm are those of
    a rank's own images.

    Args:
        model: The model.
        optim_wrapper: Its optimisers.
        device: Its device.

    Returns:
        By rank ``random``, of :func:`get_random_state`, ``accumulated``, of
        :func:`get_accumulated`, and ``buffers``, those that differ from the first rank's. The same
        on all ranks.
    """
    states = all_gather_object(
        dict(
            random=get_random_state(device),
            accumulated=get_accumulated(optim_wrapper),
            buffers=get_buffers(model),
        )
    )
    first = states[0]['buffers']
    for state in states:
        state['buffers'] = {
            name: value
            for name, value in state['buffers'].items()
            if not _same_bits(value, first[name])
        }
    return states


def _same_bits(a: Tensor, b: Tensor) -> bool:
    # NaN is not equal to itself.
    return a.numpy().tobytes() == b.numpy().tobytes()


class RankStateHook(Hook):
    """Adds to a checkpoint what the ranks of a ``TrainingRunner`` have of their own."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add ``ranks``, of :func:`gather_rank_states`; seed and place of the stream of images."""
        checkpoint['ranks'] = runner.rank_states
        # Functions are no data; a scheduler that is built has its own.
        states = checkpoint.get('param_schedulers') or []
        for some in states.values() if isinstance(states, dict) else [states]:
            for state in some:
                for key in [key for key, value in state.items() if callable(value)]:
                    del state[key]
        checkpoint['sampler_seed'] = getattr(runner.train_dataloader.sampler, 'seed', None)
        count = getattr(runner.train_loop, 'stream_count', None)
        if count is not None:
            checkpoint['stream'] = count.state(checkpoint['meta']['iter'])
