"""Networks whose features the metrics compare, through torch-fidelity."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import MODEL_METADATA as _CLIP
from torch_fidelity.feature_extractor_clip import MODEL_URLS as _CLIP_URLS
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
from torch_fidelity.utils import create_feature_extractor
from torchvision.models import VGG16_Weights

from mmfncontra.utils.checks import check_images, check_integers
from mmfncontra.utils.files import file_sha256
from mmfncontra.utils.precision import autocast_to, check_precision

from .reproducible import reproducible


@dataclass(frozen=True)
class _Network:
    """A network that torch-fidelity registers: its name there, its layers, its published file."""

    name: str
    features: str
    url: str
    file_name: str
    sha256: str  # or its first digits
    logits: str | None = None
    torchscript: bool = False

    @property
    def published_file(self) -> Path:
        return Path(torch.hub.get_dir()) / 'checkpoints' / self.file_name


def _published(name: str, features: str, url: str, logits: str | None = None) -> _Network:
    file_name = url.rpartition('/')[-1]
    return _Network(name, features, url, file_name, file_name[:-4].rpartition('-')[-1], logits)


_NETWORKS = {
    # The Inception score is defined on logits without the bias of the last layer.
    'inception': _published('inception-v3-compat', '2048', URL_INCEPTION_V3, 'logits_unbiased'),
    'vgg16': _published('vgg16', 'fc2_relu', VGG16_Weights.IMAGENET1K_V1.url),
    **{
        name: _Network(
            name,
            'clip',
            _CLIP_URLS[name],
            f'{name}-{facts["hash"]}.pt',
            facts['hash'],
            torchscript=True,
        )
        for name, facts in _CLIP.items()
    },
}

EXTRACTORS = tuple(_NETWORKS)
"""Names that :class:`FeatureExtractor` knows."""


class FeatureExtractor:
    """Features of images by a frozen network, the same as torch-fidelity's command line computes.

    Images of any size go in as they are: each network begins with torch-fidelity's own resize to
    its input side, bilinear as TensorFlow 1 does it. It is part of the definition of FID and its
    kin, and has no antialiasing: photographs larger than that side are best reduced before by
    :func:`mmfncontra.datasets.resize_image`, to the size of the generated images.

    Everything is computed in full float32, whatever autocast and TF32 settings a training has made,
    so that results agree between machines. For the same reason the layout of the maps is the plain
    one on a GPU too. A lower ``precision`` is for looking at one's own runs: it is part of the
    fingerprint, and its numbers are no published ones.

    Args:
        name: One of :data:`EXTRACTORS`: ``'inception'`` (FID, KID, Inception score), ``'vgg16'``
            (precision and recall as in the paper) or ``'clip-…'``.
        weights: File with the network's weights. ``None`` takes the published one, by its own name
            in the folder ``checkpoints`` of ``torch.hub.get_dir()``.
        device: Where the network runs.
        batch_size: Images per forward pass.
        download: Fetch the published weights when they are not there.
        precision: ``'float32'``, or ``'bfloat16'`` or ``'float16'`` by autocast.

    Attributes:
        name: As given.
        hash: First 16 hexadecimal digits of the SHA-256 of the weights' file.
        published: Whether that file is the published one, on which numbers in papers rest.
        resize_filter: What happens to the size of the images, such as ``'tf1-bilinear-299'``.
        has_logits: Whether there are logits, for the Inception score.

    Raises:
        FileNotFoundError: If the weights are not there; the message names file, folder and address.
        ValueError: If the name is unknown, a number out of range, or the file holds other weights.

    Example:
        >>> extractor = FeatureExtractor('inception')  # doctest: +SKIP
        >>> extractor(images)['features'].shape  # doctest: +SKIP
        (64, 2048)
    """

    def __init__(
        self,
        name: str = 'inception',
        weights: str | Path | None = None,
        device: torch.device | str = 'cpu',
        batch_size: int = 32,
        download: bool = False,
        precision: str = 'float32',
    ) -> None:
        if name not in _NETWORKS:
            raise ValueError(f'name must be one of {", ".join(EXTRACTORS)}, got {name!r}')
        check_integers(batch_size=batch_size)
        self.precision = check_precision(precision)
        facts = _NETWORKS[name]
        self.name = name
        self.device = torch.device(device)
        self.batch_size = batch_size
        path = _find_weights(name, facts, weights, download)
        sha256 = file_sha256(path)
        self.hash = sha256[:16]
        self.published = sha256.startswith(facts.sha256)
        self.has_logits = facts.logits is not None
        self._network = _load(facts, path).to(self.device)
        side = getattr(self._network, 'resolution', None) or self._network.INPUT_IMAGE_SIZE
        self.resize_filter = f'tf1-bilinear-{side}'

    def to(self, device: torch.device | str) -> 'FeatureExtractor':
        """Move the network.

        Args:
            device: Where it runs from now on.
        """
        self.device = torch.device(device)
        self._network.to(self.device)
        return self

    @property
    def fingerprint(self) -> dict[str, str]:
        """All that features depend on besides the images."""
        facts = dict(extractor=self.name, weights_hash=self.hash, resize_filter=self.resize_filter)
        return facts if self.precision == 'float32' else facts | dict(precision=self.precision)

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Features of images.

        Args:
            images: (B, H, W, 3), uint8, RGB.

        Returns:
            ``features`` (B, D), float32; with Inception (D = 2048) also ``logits`` (B, 1008).

        Raises:
            ValueError: If the images are of another type or shape.
        """
        check_images(images)
        features = self.extract(torch.from_numpy(np.ascontiguousarray(images)))
        return {name: rows.cpu().numpy() for name, rows in features.items()}

    def extract(self, images: Tensor) -> dict[str, Tensor]:
        """Features of images that may be on a GPU already, without waiting for it.

        Args:
            images: (B, H, W, 3), uint8, RGB, on any device.

        Returns:
            What :meth:`__call__` does, on the device of the network.

        Raises:
            ValueError: If the images are of another type or shape.
        """
        if images.dtype != torch.uint8 or images.shape[3:] != (3,) or not images.numel():
            raise ValueError(
                'images must be a uint8 tensor of shape (B, H, W, 3), '
                f'got {images.dtype} {tuple(images.shape)}'
            )
        names = ('features', 'logits') if self.has_logits else ('features',)
        parts: dict[str, list[Tensor]] = {name: [] for name in names}
        with reproducible(self.device), autocast_to(self.precision, self.device):
            for batch in images.split(self.batch_size):
                if batch.device != self.device and self.device.type == 'cuda':
                    batch = batch.pin_memory() if batch.device.type == 'cpu' else batch
                    batch = batch.to(self.device, non_blocking=True)
                outputs = self._network(batch.to(self.device).permute(0, 3, 1, 2).contiguous())
                for part, output in zip(parts.values(), outputs, strict=True):
                    part.append(output.float())
        return {name: torch.cat(part) for name, part in parts.items()}


def _find_weights(name: str, facts: _Network, weights: str | Path | None, download: bool) -> Path:
    if weights is not None:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise FileNotFoundError(
                f'weights of {name}: {path} does not exist; leave weights out to take '
                f'{facts.published_file}, which is published at {facts.url}'
            )
        return path
    path = facts.published_file
    if not path.is_file() and download:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(facts.url, str(path), hash_prefix=facts.sha256)
    if not path.is_file():
        raise FileNotFoundError(
            f'{name} needs its published weights, and {path.name} is not in {path.parent}. '
            f'Download {facts.url} and put it there as {path.name} (download=True does it), or '
            'name a file: weights=FILE, or tools/test.py --weights FILE.'
        )
    return path


def _load(facts: _Network, path: Path) -> nn.Module:
    layers = [facts.features] + ([facts.logits] if facts.logits else [])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            if not facts.torchscript:
                # torch-fidelity unpickles whatever is in the file; this refuses to run code first.
                torch.load(path, map_location='cpu', weights_only=True)
            return create_feature_extractor(
                facts.name,
                layers,
                cuda=False,
                feature_extractor_weights_path=str(path),
                verbose=False,
            )
    except Exception as error:  # a damaged or foreign file fails in many ways
        reason = ' '.join(str(error).partition('Please use')[0].split())[:200]
        raise ValueError(f'{path} does not hold the weights of {facts.name}: {reason}') from error
