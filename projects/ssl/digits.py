"""scikit-learn's handwritten digits."""

from functools import cache
from typing import Any, ClassVar

import mmcv
import numpy as np
from mmpretrain.datasets import BaseDataset
from mmpretrain.registry import DATASETS
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SPLITS = ('train', 'test')
_load_once = cache(load_digits)


@DATASETS.register_module()
class Digits(BaseDataset):
    """1,797 digits of 8×8 grey pixels, which come with scikit-learn.

    A third of each class is kept for testing, always the same images.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998 (its test part).

    Args:
        split: 'train' (1,198 images) or 'test' (599).
        size: Side in pixels to which the images are enlarged; they get three equal channels, uint8.
        pipeline: Transforms.
        **kwargs: Other arguments of ``BaseDataset``.

    Raises:
        ValueError: If ``split`` is neither.
    """

    METAINFO: ClassVar[dict] = dict(classes=tuple('0123456789'))

    def __init__(
        self, split: str, size: int = 32, pipeline: list[dict] | tuple = (), **kwargs: Any
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}, got {split!r}')
        self.split, self.size = split, size
        super().__init__(ann_file='', pipeline=pipeline, test_mode=split == 'test', **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read the images of the split.

        Returns:
            For each a dict of ``img`` (size, size, 3) and ``gt_label``.
        """
        digits = _load_once()
        places = train_test_split(
            np.arange(len(digits.target)), test_size=1 / 3, stratify=digits.target, random_state=0
        )[SPLITS.index(self.split)]
        samples = []
        for place in places:
            # The grey values are 0 to 16.
            grey = (digits.images[place] * (255 / 16)).astype(np.uint8)
            grey = mmcv.imresize(grey, (self.size, self.size), interpolation='bicubic')
            image = np.repeat(grey[..., None], 3, axis=2)
            samples.append(dict(img=image, gt_label=int(digits.target[place])))
        return samples
