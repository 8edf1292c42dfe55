"""From a config to a trained model."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmfncontra.utils import note, quiet_console
from mmfncontra.utils.cpu_distributed import init_cpu_distributed, use_cpu_model_wrapper
from mmfncontra.utils.portable_checkpoint import PortableCheckpointHook
from mmfncontra.utils.safe_globals import allow_training_checkpoints

from .checkpoint import check_resumable
from .config import import_custom_modules, load_config, set_data_root, use_autocast
from .overrides import apply_overrides

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


class TrainingRunner(Runner):
    """A ``Runner`` with a short console (its log file has everything) and portable checkpoints."""

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger and filter its console."""
        return quiet_console(super().build_logger(*args, **kwargs))

    def register_hooks(self, *args: Any, **kwargs: Any) -> None:
        """Register the config's hooks and the one that names weights in checkpoints."""
        super().register_hooks(*args, **kwargs)
        self.register_hook(PortableCheckpointHook())


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """The newest checkpoint of a folder, also after the folder was moved.

    Args:
        work_dir: Folder of a training.

    Returns:
        What mmengine's ``last_checkpoint`` names; None where nothing was saved yet.
    """
    pointer = Path(work_dir) / 'last_checkpoint'
    if not pointer.is_file():
        return None
    named = Path(pointer.read_text().strip())
    return named if named.exists() else Path(work_dir) / named.name


def _set_resume(cfg: Config, resume: str | Path | bool | None) -> None:
    if resume in (None, False):
        return
    if resume in (True, 'auto'):
        checkpoint = latest_checkpoint(cfg.work_dir)
        if checkpoint is None:
            note(f'no checkpoint in {cfg.work_dir} to resume: training starts at iteration 0')
            cfg.resume = False
            return
    else:
        checkpoint = Path(resume).expanduser()
    check_resumable(checkpoint)
    cfg.resume, cfg.load_from = True, str(checkpoint)


def prepare_config(
    config: str | Path,
    *,
    work_dir: str | Path | None = None,
    resume: str | Path | bool | None = None,
    amp: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = 'none',
    data: str | Path | None = None,
    seed: int | None = None,
) -> Config:
    """Load a config and apply what the command line asks for. Nothing is built.

    Everything that a user can get wrong is checked here, before the first image is read.

    Args:
        config: Path of the config.
        work_dir: Folder of logs and checkpoints; default the config's, or
            ``work_dirs/<name of the config>``.
        resume: Checkpoint to go on from; True or 'auto' takes the
            newest one in ``work_dir`` and starts anew where there is none.
        amp: Train in bfloat16.
        cfg_options: Changes to the config by dotted key.
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
        data: Folder or zip of training images.
        seed: Seed of the training; default the config's, or a random one.

    Returns:
        What :func:`run_training` takes.

    Raises:
        FileNotFoundError: If the config, the images or the checkpoint are missing.
        ImportError: If a package is missing or has a version that does not work.
        ValueError: If an argument does not fit the config.
    """
    if launcher not in LAUNCHERS:
        raise ValueError(f'launcher must be one of {", ".join(LAUNCHERS)}, but got {launcher!r}')
    if seed is not None and seed < 0:
        raise ValueError(f'seed must be 0 or more, but got {seed}')
    cfg = load_config(config)
    for section in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'):
        if section not in cfg:
            raise ValueError(f'{config} is no config of a training: it has no {section}')
    import_custom_modules(cfg)
    apply_overrides(cfg, cfg_options or {})
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)
    if seed is not None:
        cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed}
    if amp:
        use_autocast(cfg)
    set_data_root(cfg, data)
    _set_resume(cfg, resume)
    return cfg


def run_training(cfg: Config) -> Runner:
    """Train. An interruption from the keyboard tells how to go on.

    Args:
        cfg: From :func:`prepare_config`.

    Returns:
        The runner, its training done.

    Raises:
        SystemExit: With code 130 after Ctrl-C.
    """
    allow_training_checkpoints()
    init_cpu_distributed(cfg.launcher)
    if cfg.launcher != 'none':
        use_cpu_model_wrapper(cfg)
    try:
        runner = TrainingRunner.from_cfg(cfg)
        runner.train()
        checkpoint = latest_checkpoint(cfg.work_dir)
        if checkpoint is not None:
            note(f'done: {os.path.relpath(checkpoint)}')
        return runner
    except KeyboardInterrupt:
        note(f'\n{_after_interruption(cfg)}')
        raise SystemExit(130) from None
    finally:
        if cfg.launcher != 'none' and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _after_interruption(cfg: Config) -> str:
    if latest_checkpoint(cfg.work_dir) is None:
        return 'interrupted before the first checkpoint: nothing to resume'
    return f'interrupted; to go on from {cfg.work_dir}, run the same command with --resume'
