"""LPIPS that a shift by a pixel hardly changes, with weights from a package."""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.files import file_sha256

from .frozen_network import FrozenNetwork
from .perceptual_features import layer_distances, unit_features
from .weight_files import check_shapes, named_file, package_file, read_weights

TRUNKS = ('vgg', 'alex')
# Channels of VGG16's 3x3 convolutions, by slice.
_VGG = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
# Below it a map is too small to be reflected at its border.
_SMALLEST = dict(vgg=18, alex=21)


@MODELS.register_module()
class ShiftTolerantLPIPS(FrozenNetwork):
    r"""Perceptual distance of images that small shifts leave as they are.

    .. math::
        d(x, y) = \sum_l \frac{1}{H_l W_l} \sum_{h, w} \lVert \sqrt{w_l} \odot (\hat f_l(x) - \hat
        f_l(y))_{hw} \rVert^2

    with features :math:`\hat f_l` of unit length at five depths of VGG16 or AlexNet. The trunks are
    trained anew without what jumps under a shift: every pooling is a maximum of stride 1 and a
    3x3 binomial blur of stride 2 over two reflected pixels at each border, and AlexNet's first
    convolution has stride 1, with a blur behind it. AlexNet's takes a fifth of the arithmetic of
    VGG16's.

    The network is frozen and in evaluation mode, hands a gradient on to the images, and leaves only
    the hash of its weights in a checkpoint (:class:`FrozenNetwork`).

    Source: Ghildyal & Liu, ECCV 2022 (ST-LPIPS), on Zhang et al., CVPR 2018 (LPIPS) and Zhang, ICML
    2019 (blurred pooling); weights from the package ``stlpips-pytorch``, whose distances these are.

    Args:
        trunk: ``'vgg'`` or ``'alex'``.
        weights: File in the package's format; ``None``: the package's own.

    Attributes:
        smallest: Least side of images in pixels.

    Raises:
        FileNotFoundError: If the file is missing.
        ImportError: If the package is missing; the message is the command that installs it.
        ValueError: If the trunk is unknown or the file does not hold its weights.

    Example:
        >>> distance = ShiftTolerantLPIPS('alex')  # doctest: +SKIP
        >>> distance(torch.zeros(4, 3, 64, 64), torch.ones(4, 3, 64, 64)).shape  # doctest: +SKIP
        torch.Size([4])
    """

    def __init__(self, trunk: str = 'vgg', weights: str | Path | None = None) -> None:
        if trunk not in TRUNKS:
            raise ValueError(f"trunk must be 'vgg' or 'alex', got {trunk!r}")
        path = shift_tolerant_weights_file(trunk) if weights is None else named_file(weights)
        state, name = read_weights(path), f'ST-LPIPS on {trunk}'
        with torch.device('meta'):  # the file has every number of it, so none are drawn
            network = _Network(trunk)
        check_shapes(state, network.state_dict(), path, name)
        network.load_state_dict(state, assign=True)
        super().__init__(network, file_sha256(path), name)
        self.smallest = _SMALLEST[trunk]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances of pairs of images.

        Args:
            x: (B, 3, H, W) in [-1, 1], H and W at least :attr:`smallest`.
            y: The others, same shape.

        Returns:
            (B,), 0 or more.

        Raises:
            ValueError: If the images are too small.
        """
        return self.layers(x, y).sum(dim=0)

    def layers(self, x: Tensor, y: Tensor) -> Tensor:
        """What each of the five layers adds to :meth:`forward`, (5, B)."""
        return layer_distances(self.network, self.features(x), self.features(y))

    def features(self, images: Tensor) -> list[Tensor]:
        """Five maps of unit length, for images that are compared more than once.

        Args:
            images: (B, 3, H, W) in [-1, 1], H and W at least :attr:`smallest`.

        Returns:
            Maps (B, C_l, H_l, W_l), float32.

        Raises:
            ValueError: If the images are too small.
        """
        return unit_features(self.network, images)

    def distance(self, features: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
        """Distances (B,) of images of which :meth:`features` are known."""
        return layer_distances(self.network, features, others).sum(dim=0)


def shift_tolerant_weights_file(trunk: str) -> Path:
    """Where the package has the weights of a trunk.

    Args:
        trunk: ``'vgg'`` or ``'alex'``.

    Raises:
        ImportError: If the package is missing; the message is the command that installs it.
    """
    return package_file('stlpips_pytorch', f'weights/vST0.0/{trunk}_shift_tolerant.pth')


class _Network(nn.Module):
    """Parts by the names of the file, which are those of the ``lpips`` package."""

    def __init__(self, trunk: str) -> None:
        super().__init__()
        self.scaling_layer = _Scaling()
        slices = _vgg_slices() if trunk == 'vgg' else _alex_slices()
        self.net = _Trunk(slices, _SMALLEST[trunk])
        # Before its one layer the published head has a dropout that counts in training alone.
        for i, part in enumerate(slices):
            width = next(x for x in reversed(part) if isinstance(x, nn.Conv2d)).out_channels
            head = nn.Module()
            head.model = nn.Sequential(nn.Identity(), nn.Conv2d(width, 1, 1, bias=False))
            self.add_module(f'lin{i}', head)

    @property
    def lins(self) -> list[nn.Module]:
        return [self.get_submodule(f'lin{i}') for i in range(5)]


class _Scaling(nn.Module):
    """From [-1, 1] to where the trunks were trained."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('shift', torch.empty(1, 3, 1, 1))
        self.register_buffer('scale', torch.empty(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.shift) / self.scale


class _Blur(nn.Module):
    """Half as many pixels, each a weighted mean of 3x3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer('filt', torch.empty(channels, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (2, 2, 2, 2), mode='reflect')
        return F.conv2d(x, self.filt, stride=2, groups=len(self.filt))


class _Trunk(nn.Module):
    """Slices of a classifier, each of which ends where LPIPS looks; layers keep their number."""

    def __init__(self, slices: Sequence[Sequence[nn.Module]], smallest: int) -> None:
        super().__init__()
        self.smallest = smallest
        numbers = itertools.count()
        for i, layers in enumerate(slices, 1):
            part = OrderedDict((str(next(numbers)), layer) for layer in layers)
            self.add_module(f'slice{i}', nn.Sequential(part))

    def forward(self, x: Tensor) -> list[Tensor]:
        if min(x.shape[-2:]) < self.smallest:
            raise ValueError(
                f'images must have sides of {self.smallest} pixels or more for this network, got '
                f'{tuple(x.shape)}'
            )
        if x.device.type == 'cpu':  # AlexNet's takes four fifths of the time in this layout
            x = x.contiguous(memory_format=torch.channels_last)
        maps = []
        for part in self.children():
            x = part(x)
            maps.append(x)
        return maps


def _vgg_slices() -> list[list[nn.Module]]:
    slices, channels = [], 3
    for widths in _VGG:
        layers = [nn.MaxPool2d(2, stride=1), _Blur(channels)] if slices else []
        for width in widths:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        slices.append(layers)
    return slices


def _alex_slices() -> list[list[nn.Module]]:
    def halved(channels: int) -> list[nn.Module]:
        return [nn.MaxPool2d(3, stride=1), _Blur(channels)]

    def convolved(*shape: int) -> list[nn.Module]:
        return [nn.Conv2d(*shape, padding=shape[-1] // 2), nn.ReLU(inplace=True)]

    return [
        [nn.Conv2d(3, 64, 11, padding=2), _Blur(64), nn.ReLU(inplace=True)],
        [*halved(64), *convolved(64, 192, 5)],
        [*halved(192), *convolved(192, 384, 3)],
        convolved(384, 256, 3),
        convolved(256, 256, 3),
    ]
