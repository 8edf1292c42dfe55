"""Checkpoint names that do not depend on the number of processes that wrote them."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmfncontra.utils.unwrap import unwrap


def portable_state(model: nn.Module, state: dict[str, Any] | None = None) -> dict[str, Any]:
    """Tensors of a distributed model under the names they have on one device.

    Args:
        model: The model; its networks, and itself, may be in data-parallel wrappers.
        state: Its state dict, or tensors by name, without the name of its own wrapper; default its
            state dict.

    Returns:
        ``state``, its names changed in place.
    """
    state = model.state_dict() if state is None else state
    for child, network in unwrap(model).named_children():
        if not is_model_wrapper(network):
            continue
        wrapped = f'{child}.module'
        # The metadata hold the version of each layer's format by the layer's name.
        for names in (state, getattr(state, '_metadata', {})):
            for name in [n for n in names if n == wrapped or n.startswith(f'{wrapped}.')]:
                names[child + name.removeprefix(wrapped)] = names.pop(name)
    return state


class PortableCheckpointHook(Hook):
    """Saves the weights of a distributed model under the names they have on one device.

    mmengine 0.10 puts each network of a GAN into a data-parallel wrapper of its own, saves
    ``generator.module.weight``, and looks for ``generator.weight`` when it loads, on however many
    devices: a resumed training would go on from new weights, with a warning in its log.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Leave the wrappers' names out, as mmengine does for the wrapper of the whole model."""
        portable_state(runner.model, checkpoint['state_dict'])
