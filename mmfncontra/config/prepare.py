"""From a config file and the options of a command to what a training takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmfncontra.launch.contract import LAUNCHERS
from mmfncontra.utils.files import expand_home

from .check import check_fit
from .components import import_custom_modules
from .heldout import complete_heldout
from .load import check_config_file, load_config
from .options import apply_overrides, set_data_root, use_autocast
from .size import size_options
from .start import settle_start

if TYPE_CHECKING:
    from mmengine.config import Config


def _default_work_dir(config: str | Path, size: str | int | None) -> str:
    """``work_dirs/`` and the path below ``configs/``; the name alone of a config elsewhere."""
    *folders, name = expand_home(config).absolute().with_suffix('').parts
    if size is not None:
        name = f'{name}_{size}'
    below = folders[len(folders) - folders[::-1].index('configs') :] if 'configs' in folders else []
    return Path('work_dirs', *below, name).as_posix()


def prepare_config(
    config: str | Path,
    *,
    work_dir: str | Path | None = None,
    resume: str | Path | bool | None = None,
    amp: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
    data: str | Path | None = None,
    size: int | str | None = None,
    seed: int | None = None,
) -> Config:
    """Load a config and apply what the command line asks for. Nothing is built.

    Everything that a user can get wrong is checked here, before the first image is read.

    Args:
        config: Path of the config, or the name of one that comes with the package.
        work_dir: Folder of logs and checkpoints; default the config's, or
            ``work_dirs/`` and its path below ``configs/`` (a config elsewhere: its name), with
            the ``size`` in the name.
        resume: Checkpoint to go on from; True or 'auto' takes the newest one in ``work_dir`` and
            starts anew where there is none; default what ``resume`` and ``load_from`` of the config
            say.
        amp: Train in bfloat16.
        cfg_options: Changes to the config by dotted key.
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
        data: Folder or zip of training images.
        size: Side in pixels of images and networks; default the config's. What is set beside it
            in ``cfg_options`` stands.
        seed: Seed of the training; default the config's, or a random one.

    Returns:
        What :func:`~mmfncontra.apis.train.run_training` takes.

    Raises:
        FileNotFoundError: If the config, the images or the checkpoint are missing.
        ImportError: If a package is missing or has a version that does not work.
        ValueError: If an argument does not fit the config.
    """
    if launcher not in LAUNCHERS:
        raise ValueError(f'launcher must be one of {", ".join(LAUNCHERS)}, got {launcher!r}')
    if seed is not None and not (isinstance(seed, int) and 0 <= seed < 2**32):
        raise ValueError(f'seed must be from 0 to {2**32 - 1}, got {seed!r}')
    path = check_config_file(config)
    default_work_dir = _default_work_dir(path, size)
    cfg = load_config(path)
    for section in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'):
        if section not in cfg:
            raise ValueError(f'{config} is no config of a training: it has no {section}')
    apply_overrides(cfg, {**size_options(cfg, size), **(cfg_options or {})})
    if amp:
        use_autocast(cfg)
    set_data_root(cfg, data)
    complete_heldout(cfg)
    check_fit(cfg)
    cfg.launcher = launcher
    cfg.work_dir = str(work_dir or cfg.get('work_dir') or default_work_dir)
    if seed is not None:
        cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed}
    settle_start(cfg, resume)
    # Last, for it imports mmagic.
    import_custom_modules(cfg)
    return cfg
