"""Constants in mmagic 1.2's networks that are copied to the device in every forward."""

import math

import torch
from torch import Tensor, nn


def keep_constants_on_host() -> None:
    """Let StyleGAN2's layers multiply by numbers. Import mmagic first.

    mmagic 1.2.0 makes a tensor of the constant of every equalised weight and of its pixel norm, on
    the device and in each forward: the host waits for the device as often, and no CUDA graph can be
    recorded. The numbers are the same to rounding. Calling it again changes nothing.
    """
    from mmagic.models.editors.pggan import pggan_modules

    pggan_modules.EqualizedLR.compute_weight = _equalized_weight
    pggan_modules.pixel_norm = _pixel_norm


def _equalized_weight(hook: object, module: nn.Module) -> Tensor:
    """The weight times gain / √fan times the factor of the learning rate."""
    weight = getattr(module, f'{hook.name}_orig')
    per_filter = weight[0] if weight.ndim == 5 else weight  # (B, out, in, k, k)
    fan = per_filter[0].numel()
    if hook.mode != 'fan_in':
        fan = per_filter.size(0) * per_filter[0, 0].numel()
    return weight * (hook.gain * math.sqrt(1 / fan) * hook.lr_mul)


def _pixel_norm(x: Tensor, eps: float = 1e-6) -> Tensor:
    """``x`` over the root mean square of its channels."""
    norm = torch.linalg.norm(x, ord=2, dim=1, keepdim=True) / math.sqrt(x.shape[1])
    return x / (norm + eps)
