"""What becomes of a training whose steps are skipped because they are not finite."""

from collections import deque
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfncontra.registry import HOOKS
from mmfncontra.utils.checks import check_integers, check_interval
from mmfncontra.utils.files import write_json

from .history import read_history
from .non_finite_record import SkippedStep, save_record

FOLDER = 'non_finite'
_KEPT_STEPS = 4
_HISTORY = 'train/skipped'


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Count skipped steps, go back to a checkpoint after too many, and stop if that does not help.

    A model that leaves out a step whose loss or gradient is not finite returns ``skipped``, 1 for
    such a step and 0 for others, the same on every rank (``LimitedDataGAN``). Of more than
    ``max_skipped`` in ``window`` steps, in a row or not, the training does not recover by itself:
    it then goes on from the newest checkpoint whose weights are finite, with lower learning rates
    (``roll_back`` of the loop). After ``max_rollbacks`` of these, or where there is no checkpoint,
    it ends with an error; ``{work_dir}/non_finite/`` has the last skipped batches, the state and
    what is known of them, see :func:`~mmfncontra.engine.hooks.non_finite_record.save_record`.

    Steps are looked at every ``interval`` iterations, when the host waits for the device; until
    then their batches are kept. How many were skipped is logged as ``skipped_total``. Rollbacks are
    counted in checkpoints and in ``{work_dir}/non_finite/rollbacks.json``, so that neither a
    rollback nor a restart sets the count back.

    Args:
        interval: Iterations between two looks.
        window: Steps that count.
        max_skipped: How many of them may be skipped, fewer than ``window``.
        max_rollbacks: How often to go back in a training; 0 for never.
        lr_factor: What the learning rates are multiplied with each time, in (0, 1].

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> default_hooks = dict(non_finite=dict(type='NonFiniteHook', max_rollbacks=1))
    """

    priority = 'NORMAL'  # before the logger

    def __init__(
        self,
        interval: int = 10,
        window: int = 100,
        max_skipped: int = 20,
        max_rollbacks: int = 3,
        lr_factor: float = 0.5,
    ) -> None:
        check_integers(interval=interval, window=window)
        check_integers(0, max_skipped=max_skipped, max_rollbacks=max_rollbacks)
        if max_skipped >= window:
            raise ValueError(f'max_skipped must be below window={window}, got {max_skipped}')
        check_interval('(0, 1]', lr_factor=lr_factor)
        self.interval = interval
        self.window = window
        self.max_skipped = max_skipped
        self.max_rollbacks = max_rollbacks
        self.lr_factor = lr_factor

    def before_train(self, runner: Runner) -> None:
        """Take up the counts of a training that resumes."""
        self._rolls_back = False
        # What is on the first rank's disk is what counts.
        known = [read_history(runner, _path(runner), 'to') if is_main_process() else None]
        broadcast_object_list(known)
        self._rollbacks: list[dict[str, Any]] = known[0]
        self._num_rollbacks = max(
            runner.message_hub.get_info('rollbacks', 0) if runner.iter else 0, len(known[0])
        )
        self._recall(runner)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """After a rollback, write down that there was one: the checkpoint does not know."""
        if not self._rolls_back:
            return
        self._rolls_back = False
        self._rollbacks[-1]['to'] = runner.iter
        runner.message_hub.update_info('rollbacks', self._num_rollbacks)
        if is_main_process():
            write_json(_path(runner), self._rollbacks)
        self._recall(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Keep the step, and look at the last ones every ``interval`` iterations.

        Raises:
            ValueError: If too many were skipped and there is no way to go on; on all ranks.
        """
        if 'skipped' not in (outputs or {}):
            return
        self._pending.append(SkippedStep(runner.iter, data_batch, outputs))
        if self.every_n_train_iters(runner, self.interval):
            num_skipped = self._look(runner)
            if num_skipped and sum(self._flags) > self.max_skipped:
                self._go_back_or_stop(runner)

    def before_gather_state(self, runner: Runner) -> None:
        """Count what has not been looked at yet, for a checkpoint.

        Args:
            runner: The runner.
        """
        flags = [step.logs['skipped'] for step in self._pending]
        waiting = int(torch.stack(flags).sum()) if flags else 0
        runner.message_hub.update_info('skipped_total', self._total + waiting)

    def after_train(self, runner: Runner) -> None:
        """Count the last steps."""
        self._look(runner)

    def _recall(self, runner: Runner) -> None:
        """Start from what the log has, which is as old as the weights."""
        history = runner.message_hub.log_scalars.get(_HISTORY) if runner.iter else None
        flags = [] if history is None else history.data[0].tolist()
        self._flags = deque(flags, maxlen=self.window)
        self._total = runner.message_hub.get_info('skipped_total', 0) if runner.iter else 0
        self._pending: list[SkippedStep] = []
        self._skipped: deque[SkippedStep] = deque(maxlen=_KEPT_STEPS)

    def _look(self, runner: Runner) -> int:
        if not self._pending:
            return 0
        flags = torch.stack([step.logs['skipped'] for step in self._pending]).tolist()
        skipped = [step for step, flag in zip(self._pending, flags, strict=True) if flag]
        self._pending = []
        self._flags.extend(flags)
        self._skipped.extend(skipped)
        self._total += len(skipped)
        if skipped:
            runner.logger.warning(
                f'{len(skipped)} of the last {len(flags)} steps skipped, {self._total} so far: '
                f'{skipped[-1].reason}'
            )
        runner.message_hub.update_scalar('train/skipped_total', self._total)
        return len(skipped)

    def _go_back_or_stop(self, runner: Runner) -> None:
        trouble = (
            f'{int(sum(self._flags))} of the last {len(self._flags)} steps were skipped: '
            f'{self._skipped[-1].reason}'
        )
        if self._num_rollbacks >= self.max_rollbacks:
            self._stop(runner, trouble, f'after {self._num_rollbacks} rollbacks')
        if not hasattr(runner.train_loop, 'roll_back'):
            self._stop(runner, trouble, 'train_cfg.type cannot go back to a checkpoint')
        try:
            runner.train_loop.roll_back(self.lr_factor)
        except ValueError as error:
            self._stop(runner, trouble, str(error))
        self._num_rollbacks += 1
        self._rolls_back = True
        self._rollbacks.append({'from': runner.iter + 1, 'skipped': self._total})
        runner.logger.warning(
            f'{trouble}; going back to the last good checkpoint with {self.lr_factor:g} times the '
            f'learning rates (rollback {self._num_rollbacks} of {self.max_rollbacks})'
        )

    def _stop(self, runner: Runner, trouble: str, why: str) -> None:
        folder = _path(runner).parent
        where = f'the last such batch and the state are in {folder}'
        try:
            save_record(
                runner, folder, self._skipped, reason=trouble, rollbacks=self._num_rollbacks
            )
        except (OSError, RuntimeError) as error:
            where = f'the batch and the state could not be saved: {error}'
        barrier()  # nobody ends, and has the others ended, before all have written
        raise ValueError(
            f'training stopped at iteration {runner.iter + 1}: {trouble} ({why}); {where}; try '
            'load_from= with lower optim_wrapper.<network>.optimizer.lr, '
            'optim_wrapper.<network>.clip_grad=dict(max_norm=1.0), or precision float32'
        ) from None


def _path(runner: Runner) -> Path:
    return Path(runner.work_dir) / FOLDER / 'rollbacks.json'
