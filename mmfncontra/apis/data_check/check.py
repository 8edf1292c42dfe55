"""Whether a folder of images can be trained on, and how."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.device import get_device

from mmfncontra.config.check import check_fit
from mmfncontra.config.load import load_config
from mmfncontra.config.options import set_data_root
from mmfncontra.config.size import read_size, set_size
from mmfncontra.datasets.image_source import ImageSource
from mmfncontra.models.losses.lpips_reconstruction_loss import vgg16_weights_file
from mmfncontra.utils.console import note
from mmfncontra.utils.files import expand_home
from mmfncontra.utils.shipped import shipped_configs, shipped_name

from .duplicates import Duplicates, find_duplicates
from .findings import (
    SIZES,
    Finding,
    bad_files,
    config_problems,
    cost_remarks,
    dataset_config,
    empty_images,
    left_out_files,
    remarks,
)
from .flip_safety import FlipVerdict, judge_flips
from .inspection import ImageFacts, find_classes, fitting_size, inspect_images
from .step_cost import StepCost, measure_step, needs_download


@dataclass(frozen=True)
class DataCheck:
    """What :func:`check_data` found.

    Attributes:
        data: The folder or zip.
        images: Facts of every file that is taken for an image, in natural order.
        left_out: Number of other files by kind.
        size: Side in pixels that the images are judged for.
        config: Path of the config, or None if none fits.
        needs_size: Whether the config has another size of its own, and needs ``--size``.
        other_configs: Further ones to think of.
        duplicates: Groups of indices into the images that can be read.
        flips: Whether mirroring looks safe.
        classes: Number of images by folder, if the folders could be classes.
        cost: What a training step takes, if that was measured.
        iterations: Length of the config's training.
        findings: What to know, the most pressing first.
    """

    data: str
    images: list[ImageFacts]
    left_out: dict[str, int]
    size: int
    config: str | None
    needs_size: bool
    other_configs: list[str]
    duplicates: Duplicates
    flips: FlipVerdict
    classes: dict[str, int]
    cost: StepCost | None
    iterations: int
    findings: list[Finding]

    @property
    def readable(self) -> list[ImageFacts]:
        """Facts of the images that can be decoded."""
        return [image for image in self.images if not image.error]

    @property
    def trainable(self) -> bool:
        """Whether a training would start."""
        return not any(finding.must_repair for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has; images by name."""
        names = [image.name for image in self.readable]
        groups = {
            kind: [[names[index] for index in group] for group in getattr(self.duplicates, kind)]
            for kind in ('exact', 'near', 'mirrored')
        }
        cost = None if self.cost is None else asdict(self.cost)
        if cost is not None:
            cost['minutes_per_1000_iterations'] = self.cost.seconds * 1000 / 60
        return dict(
            data=self.data,
            trainable=self.trainable,
            num_files=len(self.images),
            num_readable=len(names),
            left_out=self.left_out,
            size=self.size,
            config=self.config,
            needs_size=self.needs_size,
            other_configs=self.other_configs,
            iterations=self.iterations,
            summary=summarise(self.readable),
            duplicates=groups,
            flips=asdict(self.flips),
            classes=self.classes,
            cost=cost,
            findings=[asdict(finding) for finding in self.findings],
            images=[_record(image) for image in self.images],
        )

    def save(self, path: str | Path) -> None:
        """Write :meth:`to_dict` as JSON.

        Args:
            path: File to write; its folder is made.

        Raises:
            ValueError: If the path cannot be written.
        """
        path = expand_home(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.to_dict(), indent=2) + '\n', encoding='utf-8')
        except OSError as error:
            raise ValueError(f'{path} cannot be written: {error}') from error


def check_data(
    data: str | Path,
    size: int | None = None,
    config: str | Path | None = None,
    measure: bool = True,
    device: str | None = None,
) -> DataCheck:
    """Look at every image, and say what is there and what to do.

    Args:
        data: Folder or zip of images.
        size: Side in pixels to judge for; default the config's, or the largest of 64 to 1024 that
            95 % of the images reach.
        config: Config to judge for, of that size or for several; default one of ours.
        measure: Run a few training steps to estimate time and memory.
        device: Where to measure; default a GPU where there is one.

    Returns:
        What was found; print it with :func:`mmfncontra.apis.data_check.report.describe_check`.

    Raises:
        FileNotFoundError: If the images or the config are missing.
        ValueError: If there is no image at all, or an argument does not fit.
    """
    if size is not None:
        read_size(size)
    cfg, own_size = (None, None) if config is None else _load(config, data, size)
    source = ImageSource(data)
    images = inspect_images(source)
    readable = [image for image in images if not image.error]
    if size is None:
        sides = [image.side for image in readable]
        size = dataset_config(cfg).get('size') if cfg else fitting_size(sides or [0], SIZES)
    device = device or get_device()
    others: list[str] = []
    if cfg is None:
        config, others = suggest_configs(size, on_gpu=device.startswith('cuda'))
        cfg, own_size = (None, None) if config is None else _load(config, data, size)
    duplicates = find_duplicates(
        [image.digest for image in readable], _stacked(readable, 'thumbnail')
    )
    unique = [readable[index] for index in duplicates.unique]
    flips = judge_flips(_stacked(unique, 'thumbnail'), _stacked(unique, 'textures'))
    classes = find_classes([image.name for image in images])
    findings = [
        *bad_files(images, size, dataset_config(cfg)),
        *left_out_files(source.left_out),
        *empty_images(readable),
        *config_problems(cfg, classes, len(readable), size),
        *remarks(readable, duplicates, flips, classes, cfg),
    ]
    cost = None
    if measure and readable and cfg is not None and not needs_download(cfg):
        note(f'measuring a training step of {shipped_name(config)} …')
        try:
            cost = measure_step(cfg, size, device)
            findings += cost_remarks(cost, cfg)
        except ImportError as error:
            why = 'this config needs a package that is missing, so nothing was measured'
            findings.append(Finding(why, str(error), True))
    return DataCheck(
        data=str(data),
        images=images,
        left_out=source.left_out,
        size=size,
        config=None if config is None else shipped_name(config),
        needs_size=own_size not in (None, size),
        other_configs=[shipped_name(path) for path in others],
        duplicates=duplicates,
        flips=flips,
        classes=classes,
        cost=cost,
        iterations=0 if cfg is None else cfg.train_cfg.get('max_iters') or 0,
        findings=sorted(findings, key=lambda finding: not finding.must_repair),
    )


def suggest_configs(size: int, on_gpu: bool = False) -> tuple[Path | None, list[Path]]:
    """Configs of FNContra for a size.

    Args:
        size: Side of the images in pixels.
        on_gpu: Whether there is a GPU, where StyleGAN2 is worth trying.

    Returns:
        The first to try (``fastgan.py`` where the weights of VGG16 are on this machine, else
        ``fastgan-offline.py``), None if there is none; and others.
    """
    if size not in SIZES:
        return None, []
    names = ['fastgan'] if vgg16_weights_file().is_file() else ['fastgan-offline']
    names += ['stylegan2-ada'] if on_gpu else []
    first, *others = (shipped_configs() / 'fncontra' / f'{name}.py' for name in names)
    return first, others


def summarise(images: Sequence[ImageFacts]) -> dict[str, Any]:
    """Numbers of sizes, colours and formats.

    Args:
        images: Facts of images that can be read.

    Returns:
        ``width``, ``height``, ``side`` (the shorter) and ``aspect`` (width over height) as lists of
        minimum, median and maximum; ``below``, number of images whose shorter side is below each
        size; ``modes`` and ``formats``, numbers by name; ``alpha`` and ``rotated``, numbers.
    """
    spread = {
        key: [float(pick([getattr(image, key) for image in images])) for pick in _PICKS]
        for key in ('width', 'height', 'side', 'aspect')
        if images
    }
    return dict(
        **spread,
        below={str(size): sum(image.side < size for image in images) for size in SIZES},
        modes=dict(Counter(image.mode for image in images).most_common()),
        formats=dict(Counter(image.format for image in images).most_common()),
        alpha=sum(image.has_alpha for image in images),
        rotated=sum(image.is_rotated for image in images),
    )


_PICKS = (min, np.median, max)
_RECORDED = (
    'name',
    'width',
    'height',
    'format',
    'mode',
    'has_alpha',
    'is_rotated',
    'digest',
    'low_content',
)


def _record(image: ImageFacts) -> dict[str, Any]:
    if image.error:
        return dict(name=image.name, error=image.error)
    return {key: getattr(image, key) for key in _RECORDED}


def _stacked(images: Sequence[ImageFacts], key: str) -> np.ndarray:
    empty = getattr(ImageFacts(''), key)
    return np.stack([getattr(image, key) for image in images] or [empty])[: len(images)]


def _load(config: str | Path, data: str | Path, size: int | None) -> tuple[Config, int]:
    """A config for a size, and the size it has of its own."""
    cfg = load_config(config)
    if 'model' not in cfg or 'train_dataloader' not in cfg:
        raise ValueError(f'{config} is no config of a training')
    check_fit(cfg)
    ImageSource(data)  # a missing folder is named before what the config makes of it
    set_data_root(cfg, data)
    its = dataset_config(cfg).get('size')
    if its is None:
        raise ValueError(f'{config} names no size of its images (train_dataloader.dataset.size)')
    if size not in (None, its):
        if 'by_size' not in cfg:
            raise ValueError(
                f'size={size} and config {config} (size {its}) do not go together: leave one out'
            )
        set_size(cfg, size)
    return cfg, its
