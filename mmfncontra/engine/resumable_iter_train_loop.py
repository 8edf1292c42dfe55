"""A loop by iterations that resumes at once."""

from typing import Any

from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from mmfncontra.registry import LOOPS
from mmfncontra.utils.dataloader_position import iterate_after

from .device_image_loader import check_device_images, serve_from_device


@LOOPS.register_module()
class ResumableIterTrainLoop(IterBasedTrainLoop):
    """An ``IterBasedTrainLoop`` that does not read again the images it was trained on.

    mmengine's loop loads and transforms every past batch when a training is resumed. This one moves
    on the sampler alone: the images come in the order of a training that was never interrupted.

    On a GPU, images that need no more than a random flip are kept there, and a step waits for no
    copy; a loader of other images pins its memory, unless its config says otherwise.

    Args:
        runner: The runner.
        dataloader: Data loader, or its config.
        max_iters: Iterations of the training.
        val_begin: First iteration that may be followed by a validation.
        val_interval: Iterations from one validation to the next.
        dynamic_intervals: Pairs of an iteration and the ``val_interval`` from there on.
        device_images: Keep the decoded images on the device of the model: ``True``, ``False``, or
            ``'auto'``: on a GPU, where the pipeline allows it and they take at most a quarter of
            the free memory. Flips are then drawn on the device.

    Raises:
        ValueError: If ``device_images`` is something else, or ``True`` and impossible.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
        device_images: bool | str = 'auto',
    ) -> None:
        check_device_images(device_images)
        device = next(runner.model.parameters()).device
        if isinstance(dataloader, dict):
            pinned: dict[str, Any] = dict(pin_memory=True) if device.type == 'cuda' else {}
            dataloader = runner.build_dataloader(
                pinned | dict(dataloader),
                seed=runner.seed,
                diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False),
            )
        super().__init__(
            runner,
            serve_from_device(dataloader, device, device_images),
            max_iters,
            val_begin,
            val_interval,
            dynamic_intervals,
        )

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
