"""Where a training starts: at iteration 0, from weights, or from the checkpoint it goes on from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmfncontra.checkpoints.file import load_checkpoint_file, load_resumable_file
from mmfncontra.checkpoints.set_aside import earlier_folder, has_training
from mmfncontra.checkpoints.store import checkpoints_of, latest_checkpoint
from mmfncontra.launch.contract import LAUNCHED_VARIABLE, RESTARTED_VARIABLE
from mmfncontra.launch.work_dir_lock import launched_rank
from mmfncontra.utils.console import note, shown_name, warn
from mmfncontra.utils.files import expand_home

if TYPE_CHECKING:
    from mmengine.config import Config


def settle_start(cfg: Config, resume: str | Path | bool | None) -> None:
    """Decide from which checkpoint a training starts, and check it, whoever named it.

    Args:
        cfg: Config with a ``work_dir``; its ``resume``, ``load_from`` and seed are set.
        resume: Checkpoint to go on from; True or 'auto' takes the newest one of the work dir.

    Raises:
        FileNotFoundError: If the checkpoint is missing.
        ValueError: If it cannot be used.
    """
    named = cfg.get('load_from')
    if resume in (None, False):
        resume = cfg.get('resume')
        if resume is True and named is not None:
            resume = named
    resume = _before_restart(cfg.work_dir) or resume
    shown = shown_name(cfg.work_dir)
    if resume in (True, 'auto'):
        resume = latest_checkpoint(cfg.work_dir, load_resumable_file)
        if resume is None:
            note(f'no checkpoint in {shown} to resume: training starts at iteration 0')
    elif not resume:
        _tell_what_is_kept(cfg)
    cfg.resume = bool(resume)
    if resume:
        named = resume
    if named is None:
        return
    checkpoint = (load_resumable_file if resume else load_checkpoint_file)(named)
    cfg.load_from = str(expand_home(named))
    if resume:
        _tell_what_is_left(Path(named), checkpoint['meta']['iter'], cfg.train_cfg.max_iters)
    seed = checkpoint['meta'].get('seed') if resume else None
    if isinstance(seed, int):  # of the order of the images
        asked = (cfg.get('randomness') or {}).get('seed')
        if asked not in (None, seed):
            warn(f'the checkpoint was trained with seed {seed}, which it goes on with, not {asked}')
        cfg.randomness = {**(cfg.get('randomness') or {}), 'seed': seed}


def _tell_what_is_kept(cfg: Config) -> None:
    # Other processes would look at files while the first one moves them.
    if launched_rank(cfg.launcher) == 0 and has_training(cfg.work_dir):
        note(
            f'{shown_name(cfg.work_dir)} has a training up to '
            f'{checkpoints_of(cfg.work_dir)[0].name}, which is not gone on with but kept in '
            f'{shown_name(earlier_folder(cfg.work_dir))}: --resume goes on'
        )


def _tell_what_is_left(checkpoint: Path, iteration: int, max_iters: int) -> None:
    if iteration >= max_iters:
        note(
            f'{shown_name(checkpoint.name)} is of iteration {iteration} and train_cfg.max_iters '
            f'{max_iters}: nothing is left to train; --cfg-options train_cfg.max_iters=N trains on '
            'up to N'
        )


def _before_restart(work_dir: str | Path) -> Path | None:
    """What the ranks that this one is started in place of have saved, if it is."""
    environment = os.environ
    if environment.get(RESTARTED_VARIABLE) or int(environment.get('TORCHELASTIC_RESTART_COUNT', 0)):
        launched = int(environment.get(LAUNCHED_VARIABLE, 0))
        return latest_checkpoint(work_dir, load_resumable_file, since=launched)
    return None
