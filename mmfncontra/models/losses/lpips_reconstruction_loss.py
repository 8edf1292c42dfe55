"""Perceptual reconstruction loss (LPIPS on VGG16)."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_not_negative
from mmfncontra.utils.precision import widen


def vgg16_weights_file() -> Path:
    """Where torchvision keeps the ImageNet weights of VGG16 on this machine."""
    from torchvision.models import VGG16_Weights

    name = VGG16_Weights.IMAGENET1K_V1.url.rsplit('/', 1)[-1]
    return Path(torch.hub.get_dir()) / 'checkpoints' / name


def load_vgg16_features(path: str | Path | None = None) -> dict[str, Tensor]:
    """ImageNet weights of VGG16's convolutions.

    Args:
        path: A state dict of torchvision's ``vgg16``; ``None`` takes torchvision's own file, which
            is downloaded if it is not there.

    Returns:
        Tensors by their name in torchvision's network, ``features.<index>.<leaf>``.

    Raises:
        FileNotFoundError: If the weights are not there and cannot be downloaded.
        ValueError: If the file does not hold them.
    """
    remedy = (
        'or train without downloaded weights: take the config fastgan-offline_<size>.py, or '
        '--cfg-options model.disc_auxiliary_losses.rec.type=WaveletL1Loss'
    )
    if path is None:
        path = vgg16_weights_file()
        if not path.is_file():
            _download_vgg16(path, remedy)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'LPIPS needs the ImageNet weights of VGG16, but {path} does not exist. Put the file '
            f'there, {remedy}.'
        )
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        features = {k: v for k, v in state.items() if k.startswith('features.')}
    except Exception as error:
        raise ValueError(f'{path} cannot be read as a torch state dict: {error}') from error
    if not features:
        raise ValueError(
            f"{path} is not a state dict of torchvision's vgg16: no 'features.*' in it"
        )
    return features


def _download_vgg16(path: Path, remedy: str) -> None:
    from torchvision.models import VGG16_Weights

    try:
        VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except Exception as error:
        raise FileNotFoundError(
            f'LPIPS needs the ImageNet weights of VGG16, which could not be downloaded ({error}). '
            f'Put {path.name} from torchvision at {path}, or '
            'name its place in model.disc_auxiliary_losses.rec.backbone_weights, '
            f'{remedy}.'
        ) from error


@MODELS.register_module()
class LPIPSReconstructionLoss(nn.Module):
    r"""LPIPS distance of the decoders' reconstructions to their targets, summed over the batch.

    .. math::
        L = \lambda \sum_{(\hat{x}, x)} \sum_B \mathrm{LPIPS}_{VGG}(\hat{x}, x)

    All reconstructions pass the network in one batch, and the targets in another, without gradient;
    a target that comes twice passes once. The batch is that of all ranks, whose losses carry the
    number of ranks since gradients are averaged.

    The frozen network is no part of this module's state: it is neither saved with a checkpoint nor
    seen by an optimiser.

    Source: Zhang et al., CVPR 2018 (LPIPS v0.1, linear weights from the ``lpips`` package); Liu et
    al., ICLR 2021 (its use on the discriminator's decoders).

    Args:
        loss_weight: :math:`\lambda`.
        backbone_weights: File with torchvision's VGG16 state dict. ``None``: torchvision's own
            place, downloaded at the first use.

    Raises:
        FileNotFoundError: If the VGG16 weights are not there and cannot be downloaded.
        ValueError: If the file does not hold them.
    """

    inputs = ('reconstructions', 'targets')

    def __init__(
        self, loss_weight: float = 1.0, backbone_weights: str | Path | None = None
    ) -> None:
        super().__init__()
        check_not_negative(loss_weight=loss_weight)
        self.loss_weight = loss_weight
        features = load_vgg16_features(backbone_weights)
        from lpips import LPIPS

        with warnings.catch_warnings():  # lpips calls torchvision with a deprecated keyword
            warnings.simplefilter('ignore', UserWarning)
            network = LPIPS(net='vgg', pnet_rand=True, verbose=False)
        for part in network.net.children():  # slices of vgg16.features, indices kept as names
            for name, parameter in part.named_parameters():
                parameter.data.copy_(features[f'features.{name}'])
        # A tuple hides the network from state_dict, parameters() and DDP.
        self._frozen = (network.requires_grad_(False).eval(),)

    def _apply(self, fn: Callable, recurse: bool = True) -> 'LPIPSReconstructionLoss':
        self._frozen[0]._apply(fn)
        return super()._apply(fn, recurse)

    def forward(self, reconstructions: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Loss of a batch.

        Args:
            reconstructions: Decoded images, each (B, 3, h, w) in [-1, 1].
            targets: What they should be, same shapes, no gradient.

        Returns:
            The loss, a scalar.

        Raises:
            ValueError: If there are not as many targets as reconstructions.
        """
        if len(reconstructions) != len(targets):
            raise ValueError(
                f'targets must be one for each of {len(reconstructions)} reconstructions, '
                f'got {len(targets)}'
            )
        distinct = list({id(target): target for target in targets}.values())
        with torch.no_grad():
            known = dict(zip(map(id, distinct), self._features(distinct), strict=True))
        pairs = zip(self._features(reconstructions), targets, strict=True)
        distance = sum(self._distance(maps, known[id(t)]) for maps, t in pairs)
        return get_world_size() * self.loss_weight * distance

    def _features(self, batches: Sequence[Tensor]) -> list[list[Tensor]]:
        """VGG's five maps of each batch, every pixel's features scaled to length 1."""
        if len({batch.shape for batch in batches}) > 1:
            return [self._features([batch])[0] for batch in batches]
        network = self._frozen[0]
        joined = network.net(network.scaling_layer(torch.cat(list(batches))))
        maps = [self._normalised(feature).chunk(len(batches)) for feature in joined]
        return [list(each) for each in zip(*maps, strict=True)]

    @staticmethod
    def _normalised(feature: Tensor) -> Tensor:
        feature = widen(feature)
        # Beside torch's norm over channels and a quotient this takes half the time on a CPU; the
        # small number keeps the gradient finite where no channel answers.
        length = (feature.square().sum(dim=1, keepdim=True) + 1e-20).sqrt()
        return feature * (1 / (length + 1e-10))

    def _distance(self, maps: Sequence[Tensor], of_target: Sequence[Tensor]) -> Tensor:
        """LPIPS of a batch, summed over it."""
        return sum(
            # Channel weights last. No product of vectors: under autocast a GPU's is bfloat16.
            ((x - y).square().mean(dim=(2, 3)).sum(dim=0) * lin.model[-1].weight.flatten()).sum()
            for x, y, lin in zip(maps, of_target, self._frozen[0].lins, strict=True)
        )
