"""Configs: found, loaded, and changed from the command line."""

from __future__ import annotations

import os
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.utils.console import warn
from mmfncontra.utils.near_names import near_names

from .check import leaf_datasets

if TYPE_CHECKING:
    from mmengine.config import Config

_CHECKOUT = Path(__file__).parents[2]


def _near_configs(path: Path) -> list[str]:
    known = {
        found.relative_to(root).as_posix()
        for root in (Path.cwd(), _CHECKOUT)
        for found in (root / 'configs').rglob('*.py')
        if '_base_' not in found.parts
    }
    stems: dict[str, list[str]] = {}
    for name in known:
        stems.setdefault(Path(name).stem, []).append(name)
    near = [name for stem in near_names(path.stem, stems, cutoff=0.7) for name in stems[stem]]
    # Of configs of one name those whose folders are alike come first.
    return near_names(path.as_posix(), near, cutoff=0.0)


def check_config_file(path: str | Path) -> Path:
    """Check that there is a config of a name; nothing is imported for it.

    Args:
        path: A ``.py`` config.

    Returns:
        The path, ``~`` expanded.

    Raises:
        FileNotFoundError: If it is missing; the message has similar names.
        ValueError: If it is not a Python file.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f'config {path} is a folder: name a .py file in it')
    if not path.is_file():
        near = _near_configs(path)
        hint = f'; did you mean {" or ".join(near)}?' if near else ''
        raise FileNotFoundError(f'config {path} does not exist{hint}')
    if path.suffix != '.py':
        raise ValueError(f'config {path} must be a .py file')
    return path


def load_config(path: str | Path) -> Config:
    """Read a config without importing what it names.

    Args:
        path: A ``.py`` config.

    Returns:
        The config, bases merged.

    Raises:
        FileNotFoundError: If it, or a base of it, is missing; the message has similar names.
        ValueError: If it is not a Python file, or running it fails; the message has file and line.
    """
    path = check_config_file(path)
    # Imported now: mmengine imports torch, for seconds in which a mistyped path would wait.
    from mmengine.config import Config

    _check_circle(path)
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'config {path} has a base that is missing: {error}') from error
    # A config is Python: running it may raise anything.
    except Exception as error:
        raise ValueError(f'config {_culprit(path, error)}: {_reason(error)}') from error


def _check_circle(path: Path, above: tuple[Path, ...] = ()) -> None:
    """Refuse a config that is a base of itself, which mmengine reads a thousand times."""
    from mmengine.config import Config

    path = path.resolve()
    if path in above:
        raise ValueError(
            f'config {above[0]} has {path.name} among its own bases: _base_ must name other files'
        )
    try:
        bases = [path.parent / base for base in Config._get_base_files(str(path))]
    except Exception:  # what is wrong with the file shows when it is read
        return
    for base in bases:
        if base.is_file():
            _check_circle(base, (*above, path))


def _culprit(path: Path, error: Exception) -> str:
    """The file that an error is in: the config or one of its bases; and the line, if known."""
    file, line = str(path), getattr(error, 'lineno', None)
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == '_file2dict':
            file = frame.f_locals.get('filename', file)
        elif frame.f_code.co_name == '<module>' and not frame.f_globals.get('__file__'):
            line = number
    is_base = os.path.abspath(file) != os.path.abspath(path)
    where = f'{path} has a base {file} that' if is_base else str(path)
    return f'{where} cannot be read{"" if line is None else f", line {line}"}'


def _reason(error: Exception) -> str:
    said = ' '.join(str(error).split())[:250]
    if isinstance(error, SyntaxError):
        line = (error.text or '').strip()[:60]
        return f'{error.msg}{f": {line}" if line else ""}'
    if isinstance(error, KeyError):
        said = ' '.join(str(error.args[0]).split())[:250] if error.args else ''
        return said if ' ' in said else f'there is no {said}'
    return f'{type(error).__name__}: {said}'


def import_custom_modules(cfg: Config) -> None:
    """Import the modules that a config names, mmagic made ready before.

    Args:
        cfg: Config with or without ``custom_imports``.

    Raises:
        ImportError: If a package or module is missing, or has a version that does not work.
    """
    names = (cfg.get('custom_imports') or {}).get('imports') or []
    if names:
        prepare_mmagic()
    for name in [names] if isinstance(names, str) else names:
        try:
            import_module(name)
        except ImportError as error:
            raise ImportError(f'custom_imports: cannot import {name}: {error}') from error


def check_data_folder(data: str | Path) -> None:
    """Check that something is at the path of ``--data``; nothing is imported for it.

    Args:
        data: Folder or zip of images.

    Raises:
        FileNotFoundError: If nothing is there.
    """
    path = Path(data).expanduser()
    if not path.exists():
        raise FileNotFoundError(f'--data {data}: there is no folder or zip at {path.absolute()}')


def set_data_root(cfg: Config, data: str | Path | None) -> None:
    """Point the training data at a folder, or check the one in the config.

    Args:
        cfg: Config of a training, changed in place.
        data: Folder or zip of images; None keeps the config's.

    Raises:
        FileNotFoundError: If nothing is at the path.
        ValueError: If the config needs a path and has none, or takes none.
    """
    datasets = [dataset for _, dataset in leaf_datasets(cfg.train_dataloader.dataset)]
    if data is not None:
        kinds = ', '.join(str(dataset.get('type')) for dataset in datasets)
        if len(datasets) > 1 or 'data_root' not in datasets[0]:
            why = 'names several data sets' if len(datasets) > 1 else 'reads no folder'
            raise ValueError(
                f'--data {data}: this config {why} ({kinds}); '
                'take one for a folder, such as configs/fncontra/fastgan-offline_64.py, or leave '
                '--data out'
            )
        check_data_folder(data)
        datasets[0].data_root = str(data)
    for dataset in datasets:
        if 'data_root' not in dataset:
            continue
        root = dataset.data_root
        if root is None:
            raise ValueError(
                'this config needs a folder of images: pass --data FOLDER '
                '(or set train_dataloader.dataset.data_root)'
            )
        if not Path(root).expanduser().exists():
            own = Path(root).parts[:1] == ('data',)
            source = ' (docs/datasets.md says where they come from)' if own else ''
            raise FileNotFoundError(
                f'there are no images at {Path(root).expanduser().absolute()}: put them there'
                f'{source} or pass --data FOLDER'
            )


def check_image_size(cfg: Config) -> None:
    """Check that the images have the size of the networks, as far as the config names both.

    Args:
        cfg: Config of a training.

    Raises:
        ValueError: With the two keys whose values differ.
    """
    sizes = [
        (f'model.{network}.{key}', cfg.model[network][key])
        for network, key in (
            *(('generator', 'out_size'), ('generator', 'output_scale')),
            *(('discriminator', 'in_size'), ('discriminator', 'input_scale')),
        )
        if key in (cfg.model.get(network) or ())
    ]
    sizes += [
        (f'{key}.size', dataset.size)
        for key, dataset in leaf_datasets(cfg.train_dataloader.dataset)
        if 'size' in dataset
    ]
    for key, size in sizes[1:]:
        if size != sizes[0][1]:
            raise ValueError(
                f'{key}={size!r} and {sizes[0][0]}={sizes[0][1]!r} must be the same: the '
                'networks and the real images have one size'
            )


def check_classes(cfg: Config) -> None:
    """Check that a class-conditional GAN gets labels of its classes.

    Args:
        cfg: Config of a training.

    Raises:
        ValueError: If the images have other classes, or their labels are not handed on.
    """
    num_classes = (cfg.model.get('generator') or {}).get('num_classes') or 0
    for key, dataset in leaf_datasets(cfg.train_dataloader.dataset):
        found = dataset.get('num_classes') or 0
        if found != num_classes:
            raise ValueError(
                f'{key}.num_classes={found} and model.generator.num_classes={num_classes} must be '
                'the same: the folders of the images are the classes'
            )
        packs = [
            step
            for step in dataset.get('pipeline') or ()
            if str(step.get('type')).rpartition('.')[2] == 'PackImages'
        ]
        if num_classes and not any('labels' in (step.get('extra_keys') or ()) for step in packs):
            raise ValueError(
                f"{key}.pipeline needs dict(type='PackImages', extra_keys=['labels']) for "
                f'model.generator.num_classes={num_classes}'
            )


def check_batch_size(cfg: Config) -> None:
    """Check that StyleGAN2's minibatch standard deviation can divide the batch into groups.

    Args:
        cfg: Config of a training.

    Raises:
        ValueError: If the batch is larger than a group and no multiple of it.
    """
    discriminator = cfg.model.get('discriminator') or {}
    if str(discriminator.get('type')).rpartition('.')[2] != 'StyleGAN2Discriminator':
        return
    group = (discriminator.get('mbstd_cfg') or {}).get('group_size', 4)
    batch = cfg.train_dataloader.get('batch_size', 1)
    if batch > group and batch % group:
        raise ValueError(
            f'train_dataloader.batch_size must be a multiple of {group} or below it, the '
            f'model.discriminator.mbstd_cfg.group_size, got {batch}'
        )


def use_autocast(cfg: Config) -> None:
    """Train in bfloat16: every optimiser wrapper becomes an ``AutocastOptimWrapper``.

    Of networks that autocast does not reach a warning says what does.

    Args:
        cfg: Config of a training, changed in place.

    Raises:
        ValueError: If a wrapper is neither mmengine's plain one nor this one.
    """
    wrappers = cfg.optim_wrapper
    if 'optimizer' in wrappers:
        wrappers = {'': wrappers}
    for name, wrapper in wrappers.items():
        if not isinstance(wrapper, dict):
            continue
        kind = wrapper.get('type', 'OptimWrapper')
        if kind.rpartition('.')[2] not in ('OptimWrapper', 'AutocastOptimWrapper'):
            raise ValueError(
                f'--amp replaces an OptimWrapper, but optim_wrapper.{name} is a {kind}: '
                'leave --amp out'
            )
        wrapper.type = 'mmfncontra.AutocastOptimWrapper'
    for part in ('generator', 'discriminator'):
        network = cfg.model.get(part) or {}
        if str(network.get('type')).rpartition('.')[2].startswith('StyleGAN2'):
            warn(
                f"--amp leaves model.{part} in float32: the blocks of mmagic's StyleGAN2 choose "
                f'their precision themselves, model.{part}.num_fp16_scales=4 takes half precision '
                'in the four highest resolutions, on a GPU'
            )
