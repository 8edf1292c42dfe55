"""Checkpointing: when checkpoints are written and which are kept."""

from inspect import signature
from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmfncontra.checkpoints.store import write_pointer
from mmfncontra.config.near_names import did_you_mean
from mmfncontra.evaluation.metrics.sample_metric import check_monitored
from mmfncontra.registry import HOOKS
from mmfncontra.utils.console import shown_name
from mmfncontra.utils.files import remove_unfinished


def validation_metrics(runner: Runner) -> list:
    """Metrics of a training's validation, of mmagic's evaluators or of one of mmengine's.

    Args:
        runner: The runner, its loops built.
    """
    loop = runner.val_loop
    evaluators = getattr(loop, 'evaluators', None) or [getattr(loop, 'evaluator', None)]
    return [metric for each in evaluators for metric in getattr(each, 'metrics', None) or ()]


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """mmengine's ``CheckpointHook`` that removes no checkpoint before the next is on the disk.

    It takes its arguments, and stands in for it in configs of ``default_scope='mmfncontra'``. It
    runs after all other hooks, so that a checkpoint has what they did in its iteration; and the
    file ``last_checkpoint`` is replaced at once, when what it names is complete.

    Args:
        **kwargs: Of mmengine's hook, such as ``interval``, ``max_keep_ckpts`` and ``save_best``.

    Raises:
        ValueError: If an argument is unknown.

    Example:
        >>> default_hooks = dict(
        ...     checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2000)
        ... )
    """

    priority = 'LOWEST'
    _step = -1

    def __init__(self, **kwargs: Any) -> None:
        # mmengine's hook takes any name, and hands what it does not know on when it saves.
        parameters = signature(MMEngineCheckpointHook).parameters.values()
        known = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
        unknown = [name for name in kwargs if name not in known]
        if unknown:
            hint = did_you_mean(unknown[0], known)
            raise ValueError(f'CheckpointHook has no argument {unknown[0]!r}{hint}')
        super().__init__(**kwargs)

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder, where a killed process may have left an unfinished file.

        Raises:
            ValueError: If ``save_best`` names a value that no metric returns.
        """
        for key in self.key_indicators if self.save_best else ():
            if key != 'auto':
                check_monitored(
                    'default_hooks.checkpoint.save_best', key, validation_metrics(runner)
                )
        super().before_train(runner)
        self._step = runner.iter
        if runner.iter:
            self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')
        if self.save_best:
            # Of this folder, also if the training is the copy of another.
            self._set_best_paths(
                {
                    key: path and self.file_backend.join_path(self.out_dir, Path(path).name)
                    for key, path in self._best_paths().items()
                }
            )
        if is_main_process():
            remove_unfinished(self.out_dir)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Save every ``interval`` iterations, but nothing of a branch that is being abandoned."""
        if not getattr(runner.train_loop, 'is_going_back', False):
            super().after_train_iter(runner, *args, **kwargs)

    def after_roll_back(self, runner: Runner) -> None:
        """Save again what the training went back to, so that its lower learning rates are kept.

        Args:
            runner: The runner.
        """
        if self.max_keep_ckpts > 0:
            kept = [number for number in self.keep_ckpt_ids if number <= runner.iter]
            self.keep_ckpt_ids.clear()
            self.keep_ckpt_ids.extend(kept)
        self._step = -1
        self.save_now(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Save the best checkpoint; note that this iteration has been validated.

        Args:
            runner: The runner.
            metrics: Values of the validation.

        Raises:
            ValueError: If ``save_best`` names a value that there is not.
        """
        runner.message_hub.update_info('iter_validated', runner.iter)
        for key in self.key_indicators if self.save_best and metrics else ():
            if key != 'auto' and key not in metrics:  # a value that is left out for these images
                raise ValueError(
                    f'default_hooks.checkpoint.save_best must be one of {", ".join(metrics)}, '
                    f'got {key!r}'
                )
        super().after_val_epoch(runner, metrics)

    def save_now(self, runner: Runner) -> None:
        """Save between two iterations, unless that has been done.

        Args:
            runner: The runner; it has finished ``runner.iter`` iterations.
        """
        if self._step != runner.iter:
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, runner.iter, meta)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        outdated = []
        if self.max_keep_ckpts > 0:
            kept = [*(number for number in self.keep_ckpt_ids if number != step), step]
            outdated = kept[: -self.max_keep_ckpts]
            self.keep_ckpt_ids.clear()
            self.keep_ckpt_ids.extend(kept[-self.max_keep_ckpts :])
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._step = step
        if is_main_process():
            write_pointer(runner.work_dir, self.last_ckpt)
            for number in outdated:
                self._remove(
                    self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(number))
                )

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        if not self.save_best:
            return
        # mmengine removes the best of before first: it is not shown, and removed afterwards.
        before = self._best_paths()
        self._set_best_paths(dict.fromkeys(before))
        super()._save_best_checkpoint(runner, metrics)
        now = {key: path or before.get(key) for key, path in self._best_paths().items()}
        self._set_best_paths(now)
        for key, path in before.items():
            if path and path != now[key] and is_main_process():
                self._remove(path)

    def _best_paths(self) -> dict[str, str | None]:
        if len(self.key_indicators) == 1:
            return {'': self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best_paths(self, paths: dict[str, str | None]) -> None:
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = paths['']
        else:
            self.best_ckpt_path_dict = paths

    def _remove(self, path: str) -> None:
        # A checkpoint that is gone, or on a disk that became read-only, is no reason to stop.
        try:
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
        except OSError as error:
            shown = shown_name(path)
            print_log(f'{shown} could not be removed: {error.strerror}', 'current', WARNING)
