"""LPIPS as a distance between images, outside of a training."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import VGG16_Weights

from mmfncontra.models.losses.lpips_reconstruction_loss import (
    LPIPSReconstructionLoss,
    vgg16_weights_file,
)

from .reproducible import reproducible

_MIN_SIDE = 16  # VGG16 halves its input four times before the last layer that counts


class LPIPSDistance:
    r"""LPIPS (VGG16, v0.1) of images, and the space in which it is a squared distance.

    .. math::
        \mathrm{LPIPS}(x, y) = \sum_l \frac{1}{H_l W_l} \sum_{h, w}
        \lVert \sqrt{w_l} \odot (\hat f_l(x) - \hat f_l(y))_{hw} \rVert^2 = \lVert e(x) - e(y)
        \rVert^2

    with features :math:`\hat f_l` of unit length and :math:`e` all :math:`\sqrt{w_l} \odot \hat
    f_l / \sqrt{H_l W_l}` in one vector.

    Source: Zhang et al., CVPR 2018; linear weights from the ``lpips`` package.

    Args:
        weights: File with torchvision's VGG16 state dict; ``None`` takes torchvision's own place.
        device: Where the network runs.
        download: Fetch torchvision's file when it is not there.

    Raises:
        FileNotFoundError: If the weights are not there; the message names file, folder and address.
        ValueError: If the file does not hold them.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        device: torch.device | str = 'cpu',
        download: bool = False,
    ) -> None:
        path = vgg16_weights_file() if weights is None else Path(weights).expanduser()
        if not path.is_file() and not (download and weights is None):
            raise FileNotFoundError(
                f'LPIPS needs the ImageNet weights of VGG16, and {path.name} is not in '
                f'{path.parent}. Download {VGG16_Weights.IMAGENET1K_V1.url} and put it there '
                '(download=True does it), or name another file in the argument weights.'
            )
        self.device = torch.device(device)
        loss = LPIPSReconstructionLoss(backbone_weights=None if weights is None else path)
        self._network = loss.to(self.device)._frozen[0]

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances of pairs of images.

        Args:
            x: (B, 3, H, W), floating point, in [-1, 1], H and W at least 16.
            y: The others, same shape.

        Returns:
            (B,), on the device of the network.

        Raises:
            ValueError: If the images are too small, or whole numbers.
        """
        with reproducible(self.device):
            x, y = (self._checked(images) for images in (x, y))
            return self._network(x, y).flatten()

    def embed(self, images: Tensor) -> Tensor:
        """Vectors :math:`e` whose squared Euclidean distance is LPIPS.

        Args:
            images: (B, 3, H, W), floating point, in [-1, 1], H and W at least 16.

        Returns:
            (B, D), D about 122 times the number of pixels, on the device of the network.

        Raises:
            ValueError: If the images are too small, or whole numbers.
        """
        with reproducible(self.device):
            layers = self._network.net(self._network.scaling_layer(self._checked(images)))
            parts = []
            for linear, layer in zip(self._network.lins, layers, strict=True):
                unit = layer / (layer.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
                scale = linear.model[-1].weight.sqrt() / (layer.shape[2] * layer.shape[3]) ** 0.5
                parts.append((unit * scale).flatten(1))
            return torch.cat(parts, dim=1)

    def _checked(self, images: Tensor) -> Tensor:
        if not images.is_floating_point() or min(images.shape[-2:]) < _MIN_SIDE:
            raise ValueError(
                f'images must be floating point in [-1, 1] with sides of {_MIN_SIDE} pixels or '
                f'more, got {images.dtype} {tuple(images.shape)}'
            )
        return images.to(self.device, torch.float32)
