"""Double backward of convolutions for torch 2.11 and mmcv 2.1: what is asked for and no more."""

import sys
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

# Stride, padding, dilation, whether it is transposed, output padding, groups: as aten takes them.
Geometry = tuple[list[int], list[int], list[int], bool, list[int], int]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """``torch.nn.functional.conv2d`` with gradients of every order, each computed only if needed.

    Torch's second derivative of a convolution (2.11) computes the gradient of the weight even of a
    constant one, and one group after the other: of a blur of 512 channels 512 convolutions, with a
    kernel as large as the map. Here the three convolutions, forward, towards the input and towards
    the weight, are each other's derivatives. Arguments that StyleGAN2 has no use for (a padding by
    name, a single image) get torch's own; ``torch.func`` does not go through.

    Args:
        input: (B, C, H, W).
        weight: (O, C / groups, h, w).
        bias: (O), or ``None``.
        stride: Stride, one number or (y, x).
        padding: Zeros on either side, one number or (y, x).
        dilation: Distance of the kernel's taps, one number or (y, x).
        groups: Groups of channels that do not see each other.

    Returns:
        (B, O, H', W').

    Source: the idea is that of Karras et al., NeurIPS 2021 (StyleGAN3's code); written anew.

    Example:
        >>> import torch
        >>> conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
        4.0
    """
    if isinstance(padding, str) or input.ndim != 4:
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    geometry = (_pair(stride), _pair(padding), _pair(dilation), False, [0, 0], groups)
    return _convolve(input, weight, bias, geometry)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """``torch.nn.functional.conv_transpose2d``, as :func:`conv2d`.

    Args:
        input: (B, C, H, W).
        weight: (C, O / groups, h, w).
        bias: (O), or ``None``.
        stride: Stride, one number or (y, x).
        padding: What is cut off on either side, one number or (y, x).
        output_padding: What is added at the end, one number or (y, x).
        groups: Groups of channels that do not see each other.
        dilation: Distance of the kernel's taps, one number or (y, x).

    Returns:
        (B, O, H', W').
    """
    if input.ndim != 4:
        return F.conv_transpose2d(
            input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    extra = _pair(output_padding)
    geometry = (_pair(stride), _pair(padding), _pair(dilation), True, extra, groups)
    return _convolve(input, weight, bias, geometry)


def _pair(value: int | Sequence[int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _convolve(input: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    device = input.device.type
    if device != 'meta' and torch.is_autocast_enabled(device):
        # Here, so that the backward passes, which leave autocast, find the same types.
        dtype = torch.get_autocast_dtype(device)
        input, weight = input.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    output = _Convolution.apply(input, weight, geometry)
    return output if bias is None else output + bias.view(-1, 1, 1)


def _backward(
    gradient: Tensor, input: Tensor, weight: Tensor, geometry: Geometry, of_input: bool
) -> Tensor:
    found = torch.ops.aten.convolution_backward(
        gradient, input, weight, None, *geometry, [of_input, not of_input, False]
    )
    return found[0 if of_input else 1]


class _Convolution(torch.autograd.Function):
    """(x, w) → y, linear in each."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, w: Tensor, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.geometry = geometry
        return torch.ops.aten.convolution(x, w, None, *geometry)

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> tuple[Any, ...]:
        (x, w), (of_x, of_w, _) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _TowardsInput.apply(g, w, x.detach(), ctx.geometry) if of_x else None,
            _TowardsWeight.apply(g, x, w.detach(), ctx.geometry) if of_w else None,
            None,
        )


class _TowardsInput(torch.autograd.Function):
    """(g, w) → gradient of x, linear in each; of x itself only shape and layout matter."""

    @staticmethod
    def forward(ctx: FunctionCtx, g: Tensor, w: Tensor, x: Tensor, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(g, w)
        ctx.geometry = geometry
        return _backward(g, x, w, geometry, of_input=True)

    @staticmethod
    def backward(ctx: FunctionCtx, gg: Tensor) -> tuple[Any, ...]:
        (g, w), (of_g, of_w, *_) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _Convolution.apply(gg, w, ctx.geometry) if of_g else None,
            _TowardsWeight.apply(g, gg, w.detach(), ctx.geometry) if of_w else None,
            None,
            None,
        )


class _TowardsWeight(torch.autograd.Function):
    """(g, x) → gradient of w, linear in each; of w itself only shape and layout matter."""

    @staticmethod
    def forward(ctx: FunctionCtx, g: Tensor, x: Tensor, w: Tensor, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(g, x)
        ctx.geometry = geometry
        return _backward(g, x, w, geometry, of_input=False)

    @staticmethod
    def backward(ctx: FunctionCtx, gg: Tensor) -> tuple[Any, ...]:
        (g, x), (of_g, of_x, *_) = ctx.saved_tensors, ctx.needs_input_grad
        return (
            _Convolution.apply(x, gg, ctx.geometry) if of_g else None,
            _TowardsInput.apply(g, gg, x.detach(), ctx.geometry) if of_x else None,
            None,
            None,
        )


def install_lean_convolutions() -> None:
    """Put both where mmagic 1.2 finds mmcv's. Call it before importing mmagic.

    mmcv 2.1's own, too, are there for second derivatives, but its ``conv2d`` gives way to torch's
    and its transposed one copies a number from the host in every backward pass, for which a GPU
    waits and which no CUDA graph can hold. Calling it again changes nothing.
    """
    import mmcv.ops

    for function in (conv2d, conv_transpose2d):
        setattr(mmcv.ops, function.__name__, function)
        setattr(sys.modules['mmcv.ops.conv2d_gradfix'], function.__name__, function)
