"""Images of a data set as one tensor on the device that trains on them."""

from collections.abc import Sequence
from itertools import islice

import torch
from mmcv.transforms import RandomFlip
from torch import Tensor
from torch.utils.data import Dataset

from mmfncontra.datasets.few_shot_dataset import FewShotDataset
from mmfncontra.datasets.shells.procedural_shells import ProceduralShells
from mmfncontra.datasets.transforms import PackImages
from mmfncontra.utils.threaded_map import threaded_map

_TOGETHER = 64
# What an item has besides its image that no transform changes.
_EXTRA_KEYS = ('labels', 'sample_idx')


class DeviceImages:
    """All images of a data set in one tensor, of which batches are gathered and flipped.

    What the pipeline does, mirroring at random and packing, is done here for a batch at once, on
    the device, with numbers that the device draws: flips have the pipeline's probability, but are
    others than it would have drawn.

    Args:
        dataset: A ``FewShotDataset`` or ``ProceduralShells``, its pipeline horizontal
            ``RandomFlip`` and then ``PackImages``.
        device: Where the images shall be.

    Attributes:
        tensors: ``inputs``, uint8 (N, 3, S, S), RGB in [0, 255], and what else ``PackImages`` hands
            on, such as ``labels`` (N,).
        flip_prob: Probability of a mirrored image.

    Raises:
        ValueError: If the data set or its pipeline is another; the message names the transform.

    Example:
        >>> import torch
        >>> pipeline = [dict(type='mmfncontra.PackImages')]
        >>> images = DeviceImages(ProceduralShells(2, 16, pipeline=pipeline), torch.device('cpu'))
        >>> images.batch(torch.tensor([1, 0, 1]))['inputs'].shape
        torch.Size([3, 3, 16, 16])
    """

    def __init__(self, dataset: Dataset, device: torch.device) -> None:
        if obstacle := what_prevents(dataset):
            raise ValueError(f'the images cannot be kept on the device: {obstacle}')
        *flips, pack = dataset.pipeline.transforms
        items = threaded_map(lambda i: pack(dataset.get_data_info(i)), range(len(dataset)))
        self.tensors: dict[str, Tensor] = {}
        start = 0
        # Some at a time: besides the data set's own cache the host never holds all of them.
        while some := list(islice(items, _TOGETHER)):
            for key in some[0]:
                values = torch.stack([item[key] for item in some])
                if not start:
                    shape = (len(dataset), *values.shape[1:])
                    self.tensors[key] = torch.empty(shape, dtype=values.dtype, device=device)
                if device.type == 'cuda':
                    values = values.pin_memory()
                self.tensors[key][start : start + len(some)].copy_(values, non_blocking=True)
            start += len(some)
        self.flip_prob = 0.0
        for flip in flips:  # mirrored twice is not mirrored
            prob = _probability(flip)
            self.flip_prob += prob - 2 * self.flip_prob * prob

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.tensors['inputs'].device

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        """Gather images, each mirrored or not.

        Args:
            indices: (B,) on the device of the images.

        Returns:
            What a data preprocessor takes: ``inputs``, uint8 (B, 3, S, S), and ``labels`` (B,)
            where the data set has them.
        """
        batch = {key: values.index_select(0, indices) for key, values in self.tensors.items()}
        if self.flip_prob:
            images = batch['inputs']
            flips = torch.rand(len(images), 1, 1, 1, device=self.device) < self.flip_prob
            batch['inputs'] = torch.where(flips, images.flip(-1), images)
        return batch


def what_prevents(dataset: Dataset) -> str | None:
    """Why :class:`DeviceImages` cannot serve a data set.

    Args:
        dataset: Any data set.

    Returns:
        A sentence; ``None`` if it can.
    """
    if type(dataset) not in (FewShotDataset, ProceduralShells):
        return f'they are of a {type(dataset).__name__}, not of FewShotDataset or ProceduralShells'
    steps = dataset.pipeline.transforms
    if not steps or type(steps[-1]) is not PackImages:
        return 'the last transform of the pipeline is not PackImages'
    for step in steps[:-1]:
        if type(step) is not RandomFlip:
            return f'the transform {type(step).__name__} works on one image at a time'
        if any(direction != 'horizontal' for direction in _as_list(step.direction)):
            return f'the transform RandomFlip flips {step.direction!r}, not only horizontally'
    pack = steps[-1]
    others = [key for key in pack.extra_keys if key not in _EXTRA_KEYS]
    if pack.key != 'img' or others:
        return f'the transform {pack!r} hands on more than img, {" and ".join(_EXTRA_KEYS)}'
    return None


def image_bytes(dataset: FewShotDataset | ProceduralShells) -> int:
    """Memory that the images of a data set take, in bytes."""
    return len(dataset) * 3 * dataset.size**2


def _as_list(value: object) -> Sequence:
    return value if isinstance(value, list) else [value]


def _probability(flip: RandomFlip) -> float:
    return float(sum(_as_list(flip.prob)))
