"""A GPU data loader: its images wait on the device."""

from collections.abc import Iterator
from itertools import islice

import torch
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .device_images import DeviceImages, image_bytes, what_prevents
from .stream_loader import StreamLoader, in_order, indices_of, numbered_batches

# Batches whose indices go to the device together.
_BLOCK = 256
# What the images may take unasked: a share of the free memory, and bytes; more is decoded for
# minutes before the first step, and a data set keeps no more of them itself (its cache_mb).
_SHARE = 0.25
_MOST = 4 * 2**30


class DeviceImageLoader:
    """Serves the batches of a loader from images on the device, in the order of its sampler.

    Args:
        loader: The loader; it is not iterated.
        device: Where the images shall be.

    Attributes:
        dataset: The loader's.
        sampler: The loader's.
        batch_sampler: The loader's.

    Raises:
        ValueError: See :class:`~mmfncontra.engine.loaders.device_images.DeviceImages`.
    """

    num_workers = 0

    def __init__(self, loader: DataLoader, device: torch.device) -> None:
        self.dataset = loader.dataset
        self.sampler = loader.sampler
        self.batch_sampler = loader.batch_sampler
        self._images = DeviceImages(loader.dataset, device)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return self.stream()

    def stream(self, after: int = 0, seed: int = 0) -> Iterator[dict[str, Tensor]]:
        """Batches without end.

        Args:
            after: Batches that were taken before.
            seed: Seed of the order, where the sampler has none of its own. Flips are drawn from
                the random numbers of the training.

        Yields:
            What :meth:`~mmfncontra.engine.loaders.device_images.DeviceImages.batch` returns.
        """
        in_order(self.sampler, seed)
        batches = numbered_batches(self.batch_sampler, after)
        device = self._images.device
        while block := list(islice(batches, _BLOCK)):
            indices = indices_of(block)
            if device.type == 'cuda':  # or the copy would wait for the step before
                indices = indices.pin_memory()
            indices = indices.to(device, non_blocking=True)
            for part in indices.split([len(batch) for batch in block]):
                yield self._images.batch(part)


def check_device_images(device_images: bool | str) -> None:
    """Raise ``ValueError`` unless the option is ``'auto'``, ``True`` or ``False``."""
    if not isinstance(device_images, bool) and device_images != 'auto':
        raise ValueError(
            f"train_cfg.device_images must be 'auto', True or False, got {device_images!r}"
        )


def serve_from_device(
    loader: DataLoader, device: torch.device, device_images: bool | str
) -> StreamLoader | DeviceImageLoader:
    """Keep the images of a loader on the device, if that is wanted and can be.

    Args:
        loader: The loader of a training.
        device: That of the model.
        device_images: ``True``; ``False``; or ``'auto'``: on a GPU, if the pipeline allows it and
            the images take at most a quarter of the free memory and 4 GiB.

    Returns:
        A loader that gives the same images as a stream.

    Raises:
        ValueError: If ``True`` is impossible; the message says why.
    """
    collate = getattr(loader.collate_fn, 'func', loader.collate_fn)
    obstacle = what_prevents(loader.dataset)
    if obstacle is None and collate not in (pseudo_collate, default_collate):
        obstacle = f'collate_fn is {collate.__name__}, of which nothing is known'
    if device_images is True:
        if obstacle:
            raise ValueError(
                f"train_cfg.device_images must be 'auto' or False, got True: {obstacle}"
            )
    elif device_images is False or obstacle or not _fits(loader.dataset, device):
        return StreamLoader(loader)
    size = image_bytes(loader.dataset) / 2**20
    print_log(f'{len(loader.dataset)} images are kept on {device} ({size:.1f} MiB)', 'current')
    return DeviceImageLoader(loader, device)


def _fits(dataset: Dataset, device: torch.device) -> bool:
    if device.type != 'cuda':
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return image_bytes(dataset) <= min(_SHARE * free, _MOST)
