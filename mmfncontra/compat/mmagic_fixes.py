"""What is wrong in networks of mmagic 1.2 and does not show before they are used."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor, nn


def fix_mmagic_networks() -> None:
    """Repair networks of mmagic 1.2.0, which will get no further release. Import mmagic first.

    * ``DCGANDiscriminator.init_weights`` stops with ``UnboundLocalError: init_info``, for it
      records the drawing of modules that it did not draw. ``DCGANGenerator`` stops with an
      ``AssertionError`` where it is initialised by itself, not as part of a model. Both draw the
      gains of BatchNorm from N(0, 1), though their comment says a mean of one; it is N(1, 0.02)
      now, as in Radford et al., ICLR 2016.
    * StyleGAN2's blocks in half precision (``num_fp16_scales``, ``fp16_enabled``) compute in
      float16 on the CPU too, more than thirty times slower. There they now compute in full
      precision.
    * ``StyleGAN2Discriminator`` views its last map as rows, which maps laid out channels last do
      not allow; that one is laid out as usual now.
    * Equalised weights and the pixel norm make a tensor of their constant, on the device and in
      each forward: the host waits for the device as often, and no CUDA graph can be recorded. They
      multiply by numbers now, the same to rounding.

    No installed file is changed. Calling it again changes nothing.
    """
    from mmagic.models.editors import dcgan, stylegan2
    from mmagic.models.editors.pggan import pggan_modules
    from mmagic.models.editors.stylegan2 import stylegan2_modules as blocks

    for network in (dcgan.DCGANGenerator, dcgan.DCGANDiscriminator):
        network.init_weights = _init_dcgan
    for layer in (
        stylegan2.StyleGAN2Generator,
        stylegan2.StyleGAN2Discriminator,
        blocks.ModulatedConv2d,
        blocks.ModulatedStyleConv,
        blocks.ModulatedToRGB,
        blocks.ConvDownLayer,
        blocks.ResBlock,
    ):
        layer.fp16_enabled = _HalfOffTheCPU()
    pggan_modules.EqualizedLR.compute_weight = _equalized_weight
    pggan_modules.pixel_norm = _pixel_norm
    if not hasattr(stylegan2.StyleGAN2Discriminator.__init__, '__wrapped__'):
        init = _with_contiguous_last_map(stylegan2.StyleGAN2Discriminator.__init__)
        stylegan2.StyleGAN2Discriminator.__init__ = init


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


def _with_contiguous_last_map(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def build(network: nn.Module, *args: object, **kwargs: object) -> None:
        init(network, *args, **kwargs)
        network.final_conv.register_forward_hook(_contiguous)

    return build


def _contiguous(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
    return output.contiguous()


def _init_dcgan(network: nn.Module) -> None:
    """Draw a DCGAN's weights: N(0, 0.02), and N(1, 0.02) in BatchNorm."""
    from mmengine.model import BaseModule, normal_init, update_init_info
    from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm

    if network.init_cfg is not None and network.init_cfg['type'] == 'Pretrained':
        BaseModule.init_weights(network)
        return
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            normal_init(module, mean=0, std=0.02)
        elif isinstance(module, _BatchNorm):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
        else:
            continue
        # Only there while a whole model is being initialised.
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'drawn by init_weights of {type(network).__name__}')


class _HalfOffTheCPU:
    """Attribute ``fp16_enabled`` of a layer: as it was set, but false while it is on the CPU."""

    def __get__(self, layer: nn.Module | None, owner: type) -> bool | _HalfOffTheCPU:
        if layer is None:
            return self
        return vars(layer)['fp16_enabled'] and next(layer.parameters()).device.type != 'cpu'

    def __set__(self, layer: nn.Module, value: bool) -> None:
        # Not by setattr: mmagic sets it before nn.Module is initialised.
        vars(layer)['fp16_enabled'] = value
