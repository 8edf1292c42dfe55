"""From a config to a trained model.

What takes seconds to import is imported by the functions that use it, after what is cheap to check.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmfncontra.checkpoints.set_aside import set_aside
from mmfncontra.checkpoints.store import latest_checkpoint
from mmfncontra.config.recorded import is_recorded_config
from mmfncontra.launch.contract import INTERRUPTED
from mmfncontra.launch.typed import typed
from mmfncontra.utils.console import note, shell_line, shown_name

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner

    from mmfncontra.engine import TrainingRunner


def run_training(cfg: Config) -> Runner:
    """Train. A training that is interrupted is saved, and says how to go on.

    Args:
        cfg: From :func:`~mmfncontra.config.prepare.prepare_config`.

    Returns:
        The runner, its training done.

    Raises:
        SystemExit: With code 130 after Ctrl-C, 75 after SIGTERM, SIGUSR1 and SIGHUP;
            see :mod:`mmfncontra.launch.contract`.
        OSError: If a checkpoint cannot be written.
        ValueError: If the config names an unknown component, or a checkpoint of another model.
    """
    from mmfncontra.checkpoints.safe_globals import allow_training_checkpoints
    from mmfncontra.config.build_errors import explain_build_errors
    from mmfncontra.launch.cpu_distributed import init_cpu_distributed, use_cpu_model_wrapper
    from mmfncontra.launch.stop_signals import Stopped
    from mmfncontra.launch.work_dir_lock import hold_work_dir, launched_rank

    allow_training_checkpoints()
    init_cpu_distributed(cfg.launcher)
    if cfg.launcher != 'none':
        use_cpu_model_wrapper(cfg)
    try:
        with hold_work_dir(cfg.work_dir, cfg.launcher), explain_build_errors(cfg):
            if launched_rank(cfg.launcher) == 0:
                _keep_apart(cfg)
            runner = find_runner(cfg).from_cfg(cfg)
            runner.train()
        checkpoint = latest_checkpoint(cfg.work_dir)
        if checkpoint is not None:
            shown = os.path.relpath(checkpoint)
            shown = checkpoint if shown.startswith('..') else shown
            draw = shell_line(*typed('generate'), shown, '--grid')
            note(f'done: {shown_name(shown)}\ndraw from it: {draw}')
        _leave_group(cfg)
        return runner
    except Stopped as stopped:
        note(f'\n{stopped.name}: {_after_interruption(cfg, stopped.iteration)}')
        _leave_group(cfg)
        raise SystemExit(stopped.exit_code) from None
    except KeyboardInterrupt:
        note(f'\n{_after_interruption(cfg)}')
        raise SystemExit(INTERRUPTED) from None


def find_runner(cfg: Config) -> type[TrainingRunner]:
    """The class that trains a config.

    Args:
        cfg: Config with or without a ``runner_type``.

    Returns:
        That class; :class:`~mmfncontra.engine.training_runner.TrainingRunner` by default.

    Raises:
        ValueError: If it is no kind of ``TrainingRunner``.
    """
    from mmfncontra.engine import TrainingRunner
    from mmfncontra.registry import RUNNERS

    name = cfg.get('runner_type')
    found = TrainingRunner if name is None else RUNNERS.get(name)
    if found is None or not issubclass(found, TrainingRunner):
        raise ValueError(
            "runner_type must be 'mmfncontra.TrainingRunner', or a class derived from it that "
            f'custom_imports registers, got {name!r}'
        )
    return found


def _keep_apart(cfg: Config) -> None:
    """Move what is in the work dir and does not go on; of a new start it has been said."""
    read = cfg.filename and Path(cfg.filename).resolve()
    configs = [path for path in Path(cfg.work_dir).glob('*.py') if path.resolve() != read]
    written = filter(is_recorded_config, configs)
    moved = set_aside(cfg.work_dir, cfg.get('load_from'), bool(cfg.get('resume')), written)
    if moved is not None and cfg.get('resume'):
        note(
            f'what {shown_name(cfg.work_dir)} has beyond {shown_name(cfg.load_from)} is kept in '
            f'{shown_name(moved)}'
        )


def _leave_group(cfg: Config) -> None:
    # Not after an error: the other ranks may wait in it, and this one would wait for them.
    import torch

    if cfg.launcher != 'none' and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _after_interruption(cfg: Config, iteration: int | None = None) -> str:
    newest = latest_checkpoint(cfg.work_dir)
    if newest is None:
        return 'interrupted before the first checkpoint: nothing to resume'
    saved = 'interrupted' if iteration is None else f'saved after iteration {iteration}'
    return f'{saved}; to go on from {shown_name(newest)}, run the same command with --resume'
