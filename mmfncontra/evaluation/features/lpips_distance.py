"""LPIPS as a distance between images, outside of a training."""

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import VGG16_Weights

from mmfncontra.models.losses.lpips_reconstruction_loss import (
    build_lpips_vgg16,
    vgg16_weights_file,
)
from mmfncontra.models.pretrained import ShiftTolerantLPIPS
from mmfncontra.models.pretrained.perceptual_features import (
    channel_weights,
    layer_distances,
    unit_features,
)
from mmfncontra.models.pretrained.shift_tolerant_lpips import shift_tolerant_weights_file
from mmfncontra.utils.files import expand_home, file_hash

from .reproducible import reproducible

# By name, the trunk of shift-tolerant LPIPS; the published one has none.
_TRUNKS = dict(lpips_vgg16=None, stlpips_vgg='vgg', stlpips_alex='alex')
LPIPS_NETWORKS = tuple(_TRUNKS)
"""Names that :class:`LPIPSDistance` knows."""
_MIN_SIDE = 16  # VGG16 halves its input four times before the last layer that counts


class LPIPSDistance:
    r"""LPIPS of images, and the space in which it is a squared distance.

    .. math::
        \mathrm{LPIPS}(x, y) = \sum_l \frac{1}{H_l W_l} \sum_{h, w}
        \lVert \sqrt{w_l} \odot (\hat f_l(x) - \hat f_l(y))_{hw} \rVert^2 = \lVert e(x) - e(y)
        \rVert^2

    with features :math:`\hat f_l` of unit length and :math:`e` all :math:`\sqrt{w_l} \odot \hat
    f_l / \sqrt{H_l W_l}` in one vector. Distances by different networks do not compare.

    Source: Zhang et al., CVPR 2018 (LPIPS v0.1; linear weights from the ``lpips`` package);
    Ghildyal & Liu, ECCV 2022 (shift-tolerant LPIPS, weights from ``stlpips-pytorch``).

    Args:
        weights: File with torchvision's VGG16 state dict, or with weights of shift-tolerant LPIPS;
            ``None`` takes torchvision's own place, or the package's file.
        device: Where the network runs.
        download: Fetch torchvision's file when it is not there; packages are not fetched.
        network: ``'lpips_vgg16'``, or ``'stlpips_vgg'`` or ``'stlpips_alex'``, which need no
            download.

    Attributes:
        network: Its name.
        path: File of the weights.
        smallest: Least side of images in pixels: 16, 18 or 21.

    Raises:
        FileNotFoundError: If the weights are not there; the message names file, folder and address.
        ImportError: If the package of the weights is missing; the message is the command that
            installs it.
        ValueError: If there is no such network, or the file does not hold its weights.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        device: torch.device | str = 'cpu',
        download: bool = False,
        network: str = 'lpips_vgg16',
    ) -> None:
        path = lpips_weights_file(network, weights)
        self.network, self.device = network, torch.device(device)
        if trunk := _TRUNKS[network]:
            tolerant = ShiftTolerantLPIPS(trunk, path)
            built, self.smallest = tolerant.network, tolerant.smallest
        else:
            if not path.is_file() and not (download and weights is None):
                raise FileNotFoundError(
                    f'LPIPS needs the ImageNet weights of VGG16, and {path.name} is not in '
                    f'{path.parent}. Download {VGG16_Weights.IMAGENET1K_V1.url} and put it there '
                    '(download=True does it), name another file in the argument weights, or take '
                    "network='stlpips_vgg', whose weights come with pip install stlpips-pytorch."
                )
            built = build_lpips_vgg16(None if weights is None else path)
            self.smallest = _MIN_SIDE
        self.path = path
        self._network = built.to(self.device)

    @cached_property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the file of the weights."""
        return file_hash(self.path)

    def to(self, device: torch.device | str) -> 'LPIPSDistance':
        """Move the network.

        Args:
            device: Where it runs from now on.
        """
        self.device = torch.device(device)
        self._network.to(self.device)
        return self

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances of pairs of images.

        Args:
            x: (B, 3, H, W), floating point, in [-1, 1], H and W at least :attr:`smallest`.
            y: The others, same shape.

        Returns:
            (B,), on the device of the network.

        Raises:
            ValueError: If the images are too small, or whole numbers.
        """
        with reproducible(self.device):
            x, y = (unit_features(self._network, self._checked(images)) for images in (x, y))
            return layer_distances(self._network, x, y).sum(dim=0)

    def embed(self, images: Tensor) -> Tensor:
        """Vectors :math:`e` whose squared Euclidean distance is LPIPS.

        Args:
            images: (B, 3, H, W), floating point, in [-1, 1], H and W at least :attr:`smallest`.

        Returns:
            (B, D), on the device of the network; D is about 125 times the number of pixels with
            VGG16's trunks, 40 times with AlexNet's.

        Raises:
            ValueError: If the images are too small, or whole numbers.
        """
        with reproducible(self.device):
            layers = unit_features(self._network, self._checked(images))
            parts = [
                (layer * weight.sqrt()[:, None, None]).flatten(1) / layer[0, 0].numel() ** 0.5
                for layer, weight in zip(layers, channel_weights(self._network), strict=True)
            ]
            return torch.cat(parts, dim=1)

    def _checked(self, images: Tensor) -> Tensor:
        if not images.is_floating_point() or min(images.shape[-2:]) < self.smallest:
            raise ValueError(
                f'images must be floating point in [-1, 1] with sides of {self.smallest} pixels or '
                f'more, got {images.dtype} {tuple(images.shape)}'
            )
        return images.to(self.device, torch.float32)


def lpips_weights_file(network: str, weights: str | Path | None = None) -> Path:
    """Where the weights of a network are looked for.

    Args:
        network: One of :data:`LPIPS_NETWORKS`.
        weights: The file, if one is named.

    Raises:
        ImportError: If the package that holds it is missing.
        ValueError: If there is no such network.
    """
    if network not in _TRUNKS:
        raise ValueError(f'network must be one of {", ".join(_TRUNKS)}, got {network!r}')
    if weights is not None:
        return expand_home(weights)
    trunk = _TRUNKS[network]
    return shift_tolerant_weights_file(trunk) if trunk else vgg16_weights_file()
