"""StyleGAN2's two operators in plain torch, for mmcv-lite 2.0 and 2.1, which lack CUDA's."""

import sys
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .lean_convolution import conv2d, conv_transpose2d


def upfirdn2d(
    input: Tensor,
    filter: Tensor | None,
    up: int | Sequence[int] = 1,
    down: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    r"""Upsample with zeros, pad, filter and downsample every channel of images.

    Along each axis, with the filter :math:`f` of :math:`K` taps,

    .. math::
        y[n] = \text{gain} \sum_{k=0}^{K-1} f[k]\; u[n \cdot \text{down} + K - 1 - k - p_0], \qquad
        u[m] = \begin{cases} x[m / \text{up}] & \text{up} \mid m \\ 0 & \text{else.} \end{cases}

    The result has the type of the images, under autocast too, and gradients of every order.

    Args:
        input: Images, (B, C, H, W).
        filter: Filter (h, w); or the taps (n) of a separable one, along both axes; ``None`` is the
            identity. Of any float type: it is cast to that of the images.
        up: Factor of upsampling, or the factors (x, y).
        down: Factor of downsampling, or the factors (x, y).
        padding: Zeros around the upsampled image; or (x, y), or (left, right, top, bottom). Below
            zero, the image is cropped.
        flip_filter: Correlate in place of convolving: the taps are reversed.
        gain: Factor of the result.
        use_custom_op: Not used: there is one implementation, for all devices.

    Returns:
        Filtered images, (B, C, H', W'),
        :math:`H' = \lceil (H \cdot \text{up} + p_0 + p_1 - K + 1) / \text{down} \rceil`.

    Raises:
        ValueError: If shapes, factors or paddings are unusable.

    Source: Karras et al., CVPR 2020 (StyleGAN2), for its use; :func:`scipy.signal.upfirdn` is one
    axis of it.

    Example:
        >>> import torch
        >>> upfirdn2d(torch.tensor([[[[1.0, 2.0]]]]), torch.ones(1, 2), up=(2, 1), padding=(1, 0))
        tensor([[[[1., 1., 2., 2., 0.]]]])
    """
    (up_x, up_y), (down_x, down_y) = _factors('up', up), _factors('down', down)
    left, right, top, bottom = _sides(padding)
    if input.ndim != 4:
        raise ValueError(f'input must be images (B, C, H, W), got shape {tuple(input.shape)}')
    if filter is None:
        filter = input.new_ones(1, 1)
    if filter.ndim not in (1, 2) or not filter.numel():
        raise ValueError(f'filter must be (h, w) or (n), got shape {tuple(filter.shape)}')
    taps = filter.to(input.dtype)
    if gain != 1:
        taps = taps * (gain if taps.ndim == 2 else gain**0.5)
    if taps.ndim == 2:
        return _resample(
            input, taps, flip_filter, (up_y, up_x), (down_y, down_x), (left, right, top, bottom)
        )
    rows = _resample(input, taps[None], flip_filter, (1, up_x), (1, down_x), (left, right, 0, 0))
    return _resample(rows, taps[:, None], flip_filter, (up_y, 1), (down_y, 1), (0, 0, top, bottom))


def _resample(
    images: Tensor,
    taps: Tensor,
    flip: bool,
    up: tuple[int, int],
    down: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> Tensor:
    """Filter with ``taps`` (h, w) by one grouped convolution; ``up`` and ``down`` are (y, x)."""
    channels, (height, width) = images.shape[1], taps.shape
    left, right, top, bottom = padding
    if (
        images.shape[2] * up[0] + top + bottom < height
        or images.shape[3] * up[1] + left + right < width
    ):
        raise ValueError(
            f'filter of {height}x{width} is larger than the padded image: images of '
            f'{images.shape[2]}x{images.shape[3]}, up {up}, padding {padding}'
        )
    upsampling = up != (1, 1)
    if flip == upsampling:
        # torch correlates with its weights, and convolves with them where it transposes.
        taps = taps.flip((0, 1))
    taps = taps.expand(channels, 1, height, width)
    # Autocast would convolve in half precision, which the compiled operator does not.
    with torch.autocast(images.device.type, enabled=False):
        if not upsampling:
            own = (0, 0)
            if left == right >= 0 and top == bottom >= 0:
                own = (top, left)  # by the convolution, without a copy
            elif any(padding):
                images = F.pad(images, padding)
            return conv2d(images, taps, stride=down, padding=own, groups=channels)
        images = conv_transpose2d(images, taps, stride=up, groups=channels)
    # This is the full convolution of the upsampled image without the zeros after its last pixel;
    # what the padding adds or crops is at the ends.
    images = F.pad(
        images,
        (left - width + 1, right + up[1] - width, top - height + 1, bottom + up[0] - height),
    )
    return images[:, :, :: down[0], :: down[1]]


def _factors(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    factors = (value, value) if isinstance(value, int) else tuple(value)
    if len(factors) != 2 or not all(isinstance(f, int) and f >= 1 for f in factors):
        raise ValueError(f'{name} must be a positive int or two, (x, y), got {value}')
    return factors


def _sides(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
    if len(sides) == 2:
        sides = (sides[0], sides[0], sides[1], sides[1])
    if len(sides) != 4 or not all(isinstance(side, int) for side in sides):
        raise ValueError(
            f'padding must be an int, (x, y) or (left, right, top, bottom), got {padding}'
        )
    return sides


def fused_bias_leakyrelu(
    input: Tensor,
    bias: Tensor | None,
    negative_slope: float = 0.2,
    scale: float = 2**0.5,
) -> Tensor:
    r"""Add a bias to every channel, then a leaky ReLU, then a scale.

    .. math::
        y = s \max(0, x + b) + s\,a \min(0, x + b) = \operatorname{lrelu}_a(s x + s b)

    since the leaky ReLU commutes with positive factors: two passes over the tensor, one of them in
    place. Gradients of every order.

    Args:
        input: Features, (B, C, ...).
        bias: Bias of each channel, (C), cast to the type of the features; ``None`` is zero.
        negative_slope: :math:`a`, not negative.
        scale: :math:`s`, positive.

    Returns:
        Features of the same shape and type.

    Raises:
        ValueError: If ``negative_slope`` or ``scale`` is out of range, or ``bias`` does not fit.

    Source: Karras et al., CVPR 2020 (StyleGAN2).

    Example:
        >>> import torch
        >>> fused_bias_leakyrelu(torch.tensor([[1.0, -3.0]]), torch.ones(2), 0.2, scale=2)
        tensor([[ 4.0000, -0.8000]])
    """
    if not (negative_slope >= 0 and scale > 0):
        raise ValueError(
            f'negative_slope must be >= 0 and scale > 0, got {negative_slope} and {scale}'
        )
    if bias is None:
        return F.leaky_relu_(input * scale, negative_slope)
    if bias.shape != input.shape[1:2]:
        raise ValueError(
            f'bias must have one value for each channel of {tuple(input.shape)}, '
            f'got shape {tuple(bias.shape)}'
        )
    bias = bias.to(input.dtype).view(-1, *[1] * (input.ndim - 2)) * scale
    return F.leaky_relu_(torch.add(bias, input, alpha=scale), negative_slope)


def install_stylegan_ops() -> None:
    """Put both operators where mmagic 1.2 finds mmcv's. Call it before importing mmagic.

    For mmcv-lite 2.0 and 2.1 alone: mmcv's own call compiled code on CUDA, which mmcv-lite lacks,
    and on the CPU its torch code refuses filters in half precision, which mmagic's mixed precision
    passes.
    """
    import mmcv.ops

    # The package's attributes of these names are the functions, not the modules.
    for function in (upfirdn2d, fused_bias_leakyrelu):
        name = function.__name__
        setattr(sys.modules[f'mmcv.ops.{name}'], name, function)
        setattr(mmcv.ops, name, function)
    sys.modules['mmcv.ops.filtered_lrelu'].upfirdn2d = upfirdn2d
