"""A loop by iterations that resumes at once."""

from mmengine.runner import IterBasedTrainLoop
from torch import nn

from mmfncontra.registry import LOOPS
from mmfncontra.utils.dataloader_position import iterate_after


@LOOPS.register_module()
class ResumableIterTrainLoop(IterBasedTrainLoop):
    """An ``IterBasedTrainLoop`` that does not read again the images it was trained on.

    mmengine's loop loads and transforms every past batch when a training is resumed. This one moves
    on the sampler alone: the images come in the order of a training that was never interrupted.

    Args:
        runner: The runner.
        dataloader: Data loader, or its config.
        max_iters: Iterations of the training.
        val_begin: First iteration that may be followed by a validation.
        val_interval: Iterations from one validation to the next.
        dynamic_intervals: Pairs of an iteration and the ``val_interval`` from there on.
    """

    def run(self) -> nn.Module:
        """Train from the current iteration to ``max_iters``.

        Returns:
            The model.
        """
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._iter > 0:
            batches = self.dataloader_iterator
            batches._epoch = self._iter // max(len(self.dataloader), 1)
            batches._iterator = iterate_after(self.dataloader, self._iter)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self._validates_now():
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _validates_now(self) -> bool:
        is_due = self._iter % self.val_interval == 0 or self._iter == self._max_iters
        return self.runner.val_loop is not None and self._iter >= self.val_begin and is_due
