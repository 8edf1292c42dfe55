"""Few images, from a folder or a zip."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from tqdm import tqdm

from mmfncontra.launch.typed import typed
from mmfncontra.registry import DATASETS
from mmfncontra.utils.checks import check_integers, check_interval
from mmfncontra.utils.console import shell_line, shown_name
from mmfncontra.utils.threaded_map import threaded_map

from .image_reading import check_fit, read_image, resize_image
from .image_source import ImageSource
from .left_out import describe_left_out
from .low_content import ContentTally

ON_BAD_IMAGE = ('error', 'skip')
# From here on reading takes long enough to be worth a progress bar.
_PROGRESS_FROM = 200


@DATASETS.register_module()
class FewShotDataset(BaseDataset):
    """The few images of a folder or a zip, resized once and kept in memory.

    Every file is decoded when the dataset is built, so that whatever is wrong with one shows before
    training starts. One line of the log counts what is left out of ``data_root`` and what hardly
    teaches anything (:func:`~.low_content.low_content`). What fits in ``cache_mb`` stays in memory
    as uint8 (forked data loader workers share it); the rest is decoded anew at each access. The
    same files give the same items in the same order everywhere; randomness (flips) belongs to the
    pipeline.

    Each item is ``pipeline(dict(img, img_path, img_shape, sample_idx))`` with ``img`` an RGB array,
    ``size`` × ``size`` × 3, uint8, in [0, 255], which is the item's own copy.

    Args:
        data_root: Folder (searched with its subfolders) or zip of JPEG, PNG, WebP, BMP or TIFF
            images, of AVIF and HEIC where they can be read.
        size: Side of the images in pixels, as the model wants it.
        pipeline: Transforms, or configs of them, applied to each item.
        fit: What happens to images that are not square. ``'crop'`` takes the central square;
            ``'stretch'`` squashes the whole image, as the reference implementation of FNContra
            does. The default crops because squashed proportions are what a generator then learns,
            and no filter undoes that; square images come out the same either way.
        on_bad_image: ``'error'`` raises at broken and too small images, ``'skip'`` warns of them
            and goes on with the others.
        allow_upscale: Take images whose shorter side is below ``size`` and enlarge them. Enlarged
            images lack the high frequencies that the frequency-domain negatives are made of, so
            this is off.
        num_classes: For class-conditional GANs: the folders at the top of ``data_root``, in natural
            order, are so many classes, and items have the number of theirs as ``labels``. 0: no
            labels, folders mean nothing.
        cache_mb: Memory for resized images in MiB. A 1024² image takes 3.
        metainfo: Facts about the data, see ``mmengine.dataset.BaseDataset``.
        indices: Use only the first (or, negative, last) so many images, or the ones listed.
        test_mode: Whether a pipeline that returns None raises instead of drawing another image.
        lazy_init: Put off listing and decoding until the first access.

    Raises:
        FileNotFoundError: If nothing is at ``data_root``.
        ValueError: If an argument is out of its range, if ``data_root`` is None or holds no usable
            image, and, with ``on_bad_image='error'``, if any image is broken or too small; the
            message names the files.

    Example:
        >>> pipeline = [dict(type='RandomFlip', prob=0.5), dict(type='PackImages')]
        >>> dataset = dict(
        ...     type='FewShotDataset', data_root='data/shells', size=256, pipeline=pipeline
        ... )
    """

    METAINFO: ClassVar[dict] = dict(dataset_type='few_shot', task_name='unconditional_generation')

    def __init__(
        self,
        data_root: str | os.PathLike | None = None,
        size: int = 256,
        pipeline: Sequence[dict | Callable] = (),
        fit: str = 'crop',
        on_bad_image: str = 'error',
        allow_upscale: bool = False,
        num_classes: int = 0,
        cache_mb: float = 4096,
        metainfo: Mapping | None = None,
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if data_root is None:
            raise ValueError(
                'data_root must name a folder or zip of images, got None: pass --data FOLDER or '
                'set train_dataloader.dataset.data_root'
            )
        check_integers(size=size)
        check_integers(0, num_classes=num_classes)
        check_fit(fit)
        if on_bad_image not in ON_BAD_IMAGE:
            raise ValueError(f'on_bad_image must be one of {ON_BAD_IMAGE}, got {on_bad_image!r}')
        check_interval('[0, inf]', cache_mb=cache_mb)
        self.size = size
        self.fit = fit
        self.on_bad_image = on_bad_image
        self.allow_upscale = allow_upscale
        self.num_classes = num_classes
        self.cache_mb = cache_mb
        super().__init__(
            data_root=os.fspath(data_root),
            metainfo=metainfo,
            data_prefix={},
            indices=indices,
            # A few hundred short records: serialising them would only copy the cached images.
            serialize_data=False,
            pipeline=list(pipeline),
            test_mode=test_mode,
            lazy_init=lazy_init,
        )

    def full_init(self) -> None:
        """List, decode and cache the images, unless that has been done."""
        if self._fully_initialized:
            return
        super().full_init()
        num, cached = len(self.data_list), sum('img' in info for info in self.data_list)
        where = (
            f'all in memory ({num * self._image_bytes / 2**20:.1f} MiB)'
            if cached == num
            else f'{cached} of them in memory (cache_mb={self.cache_mb}), the others are decoded '
            'at each access'
        )
        print_log(
            f'{num} images from {shown_name(self.data_root)} at {self.size}×{self.size}, {where}',
            logger='current',
            level=logging.INFO,
        )
        self._say_what_is_lost()

    def load_data_list(self) -> list[dict]:
        """List the images of ``data_root``.

        Returns:
            One record per image, with its ``name`` relative to ``data_root``, in natural order, and
            its ``labels`` where there are classes.

        Raises:
            ValueError: If there are other than ``num_classes`` classes, or images outside of them.
        """
        self.source = ImageSource(self.data_root)
        if not self.num_classes:
            return [dict(name=name) for name in self.source.names]
        folders = [name.partition('/')[0] for name in self.source.names if '/' in name]
        classes = {folder: label for label, folder in enumerate(dict.fromkeys(folders))}
        outside = [name for name in self.source.names if '/' not in name]
        if outside or len(classes) != self.num_classes:
            found = ', '.join(map(shown_name, list(classes)[:8])) or 'none'
            stray = f' and {len(outside)} images outside of folders' if outside else ''
            raise ValueError(
                f'num_classes={self.num_classes} needs as many folders of images in '
                f'{self.data_root}, got {len(classes)} ({found}){stray}'
            )
        named = ', '.join(f'{label} {shown_name(folder)}' for folder, label in classes.items())
        print_log(f'classes: {named}', logger='current', level=logging.INFO)
        return [
            dict(name=name, labels=classes[name.partition('/')[0]]) for name in self.source.names
        ]

    def filter_data(self) -> list[dict]:
        """Decode every image, drop (or raise at) bad ones and keep what fits in memory.

        Returns:
            The records of good images; those within the budget hold the resized image as ``img``.
        """
        room = self.cache_mb * 2**20 / self._image_bytes
        good, bad = [], []
        self._tally = ContentTally()
        show = len(self.data_list) > _PROGRESS_FROM and sys.stderr.isatty()
        images = threaded_map(self._read_or_error, self.data_list)
        pairs = zip(self.data_list, images, strict=True)
        for info, image in tqdm(
            pairs, 'Reading images', len(self.data_list), disable=not show, leave=False
        ):
            if isinstance(image, ValueError):
                bad.append(str(image))
                continue
            self._tally.add(image)
            good.append(dict(info, img=image) if len(good) + 1 <= room else info)
        self._report_bad(bad, len(good))
        return good

    def get_data_info(self, idx: int) -> dict:
        """Return what the pipeline gets for one index.

        Args:
            idx: Index of the image; negative ones count from the end.

        Returns:
            ``img`` (RGB, H×W×3, uint8, a copy), ``img_path``, ``img_shape`` (H, W), ``sample_idx``,
            and ``labels`` where there are classes.
        """
        info = super().get_data_info(idx)
        name = info.pop('name')
        if 'img' not in info:
            info['img'] = self._read(name)
        info['img_path'] = f'{self.source.root}/{name}'  # in a zip the name may begin with a slash
        info['img_shape'] = info['img'].shape[:2]
        return info

    @property
    def _image_bytes(self) -> int:
        return 3 * self.size**2

    def _read_or_error(self, info: dict) -> np.ndarray | ValueError:
        try:
            return self._read(info['name'])
        except ValueError as error:
            return error

    def _read(self, name: str) -> np.ndarray:
        image = read_image(self.source.read(name), name)
        if min(image.size) < self.size and not self.allow_upscale:
            raise ValueError(
                f'{shown_name(name)}: {image.width}×{image.height} pixels, '
                f'smaller than size={self.size}'
            )
        return resize_image(image, self.size, self.fit)

    def _say_what_is_lost(self) -> None:
        findings = [describe_left_out(self.source.left_out)]
        if content := self._tally.describe():
            findings.append(f'of the images at {self.size}×{self.size} {content}')
        message = '; '.join(filter(None, findings))
        if message:
            check = shell_line(*typed('check-data'), self.data_root)
            print_log(
                f'{message}. What to do is said by: {check}',
                logger='current',
                level=logging.WARNING,
            )

    def _report_bad(self, bad: list[str], num_good: int) -> None:
        if not bad:
            return
        total = len(bad) + num_good
        listed = '\n  '.join(bad[:10] + [f'and {len(bad) - 10} more'] * (len(bad) > 10))
        where = shown_name(self.data_root)
        message = f'{len(bad)} of {total} images in {where} cannot be used:\n  {listed}\n'
        if self.on_bad_image == 'skip' and num_good:
            print_log(
                f'{message}They are skipped; {num_good} remain',
                logger='current',
                level=logging.WARNING,
            )
            return
        skip = ", leave them out with on_bad_image='skip'" if num_good else ''
        key = '--cfg-options train_dataloader.dataset'
        command = f' (in a training: {key}.on_bad_image=skip, {key}.allow_upscale=True)'
        raise ValueError(
            f'{message}Repair or remove them{skip}; where they are only small, lower size or set '
            f'allow_upscale=True{command}'
        )
