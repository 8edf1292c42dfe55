"""Early stopping: end when a metric does not improve any more."""

from mmengine.hooks import EarlyStoppingHook as MMEngineEarlyStoppingHook
from mmengine.runner import Runner

from mmfncontra.evaluation.metrics.sample_metric import check_monitored
from mmfncontra.registry import HOOKS

from .checkpoint_hook import validation_metrics

_KEY = 'early_stopping'


@HOOKS.register_module()
class EarlyStoppingHook(MMEngineEarlyStoppingHook):
    """mmengine's ``EarlyStoppingHook`` whose patience outlives an interruption.

    It takes its arguments, and stands in for it in configs of ``default_scope='mmfncontra'``.

    Example:
        >>> custom_hooks = [dict(type='EarlyStoppingHook', monitor='swd', rule='less', patience=5)]
    """

    priority = 'VERY_LOW'  # before the checkpoint of a best value

    def before_train(self, runner: Runner) -> None:
        """Check that there will be something to follow.

        Raises:
            ValueError: If ``monitor`` names a value that no metric returns.
        """
        if self.strict:
            check_monitored("EarlyStoppingHook's monitor", self.monitor, validation_metrics(runner))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the best value and how many validations did not reach it."""
        checkpoint.setdefault(_KEY, {})[self.monitor] = [self.best_score, self.wait_count]

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Go on counting where a training is resumed."""
        if runner.is_resuming and self.monitor in checkpoint.get(_KEY, {}):
            self.best_score, self.wait_count = checkpoint[_KEY][self.monitor]
