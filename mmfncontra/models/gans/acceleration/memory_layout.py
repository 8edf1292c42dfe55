"""Memory layout of weights, and of an optimiser's state beside them."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...pretrained import FrozenNetwork


def lay_out_channels_last(network: nn.Module) -> None:
    """Lay out the weights and buffers of images channels last, in place.

    ``nn.Module.to(memory_format=…)`` tries that with tensors of five dimensions too, such as
    StyleGAN2's modulated weights, which no layout of four is for: it raises. Frozen networks inside
    follow.

    Args:
        network: Any network.
    """
    for module in network.modules():
        if isinstance(module, FrozenNetwork):
            lay_out_channels_last(module.network)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)


def follow_layout(optimiser: Optimizer) -> None:
    """Keep an optimiser's state in the layout of the weights, now and after each loading.

    Fused optimisers go through weights and state as they lie in memory, and a state that was saved
    with other strides (channels last, or not) would be that of other weights.

    Args:
        optimiser: The optimiser; calling it again changes nothing.
    """
    if getattr(optimiser, '_follows_layout', False):
        return
    optimiser._follows_layout = True
    optimiser.register_load_state_dict_post_hook(_match_strides)
    _match_strides(optimiser)


def _match_strides(optimiser: Optimizer) -> None:
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if not isinstance(value, Tensor) or value.shape != parameter.shape:
                continue
            if value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
