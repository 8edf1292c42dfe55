"""A hook that acts periodically: every N iterations and at the end."""

from abc import ABC, abstractmethod

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfncontra.utils.checks import check_integers

from ..train_clock import pause_clock


class PeriodicHook(Hook, ABC):
    """Acts every ``interval`` iterations, and after the last one if that was not such a one.

    Args:
        interval: Iterations between two acts.

    Raises:
        ValueError: If ``interval`` is not a positive integer.
    """

    def __init__(self, interval: int) -> None:
        check_integers(interval=interval)
        self.interval = interval
        self._last_act: int | None = None

    @abstractmethod
    def act(self, runner: Runner, iteration: int) -> None:
        """Do it, on any rank.

        Args:
            runner: The runner.
            iteration: Iterations done.
        """

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Act every ``interval`` iterations."""
        if self.every_n_train_iters(runner, self.interval):
            self._last_act = runner.iter + 1
            with pause_clock(runner):
                self.act(runner, self._last_act)

    def after_train(self, runner: Runner) -> None:
        """Act once more, unless the last iteration was acted upon."""
        if self._last_act != runner.iter:
            self._last_act = runner.iter
            self.act(runner, self._last_act)
