"""A loop by iterations that resumes at once."""

from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.hooks import IterTimerHook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from mmfncontra.checkpoints.store import check_finite, latest_checkpoint, write_pointer
from mmfncontra.launch.stop_signals import Stopped, StopSignals
from mmfncontra.registry import LOOPS
from mmfncontra.utils.checks import check_interval
from mmfncontra.utils.unwrap import unwrap

from .loaders.device_image_loader import check_device_images, serve_from_device
from .optim.learning_rates import LR_SCALE, scale_learning_rates
from .stream_count import StreamCount
from .train_clock import TrainClock


@LOOPS.register_module()
class ResumableIterTrainLoop(IterBasedTrainLoop):
    """An ``IterBasedTrainLoop`` that can be left at any iteration and entered again.

    mmengine's loop loads and transforms every past batch when a training is resumed. This one moves
    on the sampler alone: the images come in the order of a training that was never interrupted, and
    their transforms draw the same numbers. A validation that was missed is made up for. SIGINT,
    SIGTERM, SIGUSR1 and SIGHUP end the training after the iteration under way, saved.

    On a GPU, images that need no more than a random flip are kept there, and a step waits for no
    copy; a loader of other images pins its memory, unless its config says otherwise.

    Args:
        runner: A :class:`~mmfncontra.engine.training_runner.TrainingRunner`.
        dataloader: Data loader, or its config.
        max_iters: Iterations of the training.
        val_begin: First iteration that may be followed by a validation.
        val_interval: Iterations from one validation to the next.
        dynamic_intervals: Pairs of an iteration and the ``val_interval`` from there on.
        device_images: Keep the decoded images on the device of the model: ``True``, ``False``, or
            ``'auto'``: on a GPU, where the pipeline allows it and they take at most a quarter of
            the free memory. Flips are then drawn on the device.

    Raises:
        TypeError: If the runner is no ``TrainingRunner``.
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
        _check_runner(runner)
        check_device_images(device_images)
        device = next(runner.model.parameters()).device
        self._lr_factor: float | None = None
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
        self.clock = TrainClock(device)
        self.stream_count = StreamCount(self.dataloader)

    def run(self) -> nn.Module:
        """Train from the current iteration to ``max_iters``.

        Returns:
            The model.

        Raises:
            Stopped: After SIGINT, SIGTERM, SIGUSR1 or SIGHUP: the training has been saved.
        """
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        with StopSignals() as signals:
            self._enter_stream()
            self.runner.restore_rank_state()
            self.clock.start(self.runner.message_hub, self._iter)
            with self.clock.paused():
                self._validate_if_missed()
            while self._iter < self._max_iters and not self.stop_training:
                self.runner.model.train()
                self.run_iter(next(self.dataloader_iterator))
                if self.is_going_back:
                    with self.clock.paused():
                        self._go_back()
                    continue
                if number := signals.ask():
                    self._save_and_stop(number)
                self._decide_current_val_interval()
                if self._validates_now():
                    with self.clock.paused():
                        self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def roll_back(self, lr_factor: float) -> None:
        """Go on from the newest sound checkpoint after this iteration, more slowly.

        To be called on all ranks in the same iteration. Everything is as the checkpoint has it,
        random numbers and the order of images too, but for the learning rates.

        Args:
            lr_factor: What the learning rates in effect now are multiplied with, in (0, 1].

        Raises:
            ValueError: If there is no checkpoint whose weights are finite, or ``lr_factor`` is out
                of its range.
        """
        check_interval('(0, 1]', lr_factor=lr_factor)
        # The first rank chooses: another may not see yet what it has written.
        chosen: list = [None, f'no checkpoint in {self.runner.work_dir}: none was saved yet']
        if is_main_process():
            try:
                chosen[0] = latest_checkpoint(self.runner.work_dir, check_finite)
            except ValueError as error:
                chosen[1] = str(error)
        broadcast_object_list(chosen)
        if chosen[0] is None:
            raise ValueError(f'there is nothing to go back to: {chosen[1]}')
        self._rollback_checkpoint = chosen[0]
        self._lr_factor = lr_factor

    @property
    def is_going_back(self) -> bool:
        """Whether this iteration is the last of a branch that :meth:`roll_back` abandons."""
        return self._lr_factor is not None

    def _enter_stream(self) -> None:
        sampler = self.dataloader.sampler
        if self.runner.sampler_seed is not None and hasattr(sampler, 'seed'):
            sampler.seed = self.runner.sampler_seed
        after = self.stream_count.enter(self._iter, self.runner.stream_state)
        self.dataloader_iterator = self.dataloader.stream(after, self.runner.shared_seed)

    def _go_back(self) -> None:
        hub = self.runner.message_hub
        scale = hub.get_info(LR_SCALE, 1.0) * self._lr_factor
        self._lr_factor = None
        hub.update_info(LR_SCALE, 1.0)  # what loading leaves where the checkpoint has none
        self.runner.resume(str(self._rollback_checkpoint))
        scale_learning_rates(
            self.runner.optim_wrapper,
            self.runner.param_schedulers,
            scale / hub.get_info(LR_SCALE),
        )
        hub.update_info(LR_SCALE, scale)
        self.runner.optim_wrapper.initialize_count_status(
            self.runner.model, self._iter, self._max_iters
        )
        forget = getattr(unwrap(self.runner.model), 'forget_recorded_steps', None)
        if forget is not None:
            forget()
        self._enter_stream()
        self.runner.restore_rank_state()
        for hook in self.runner.hooks:
            if isinstance(hook, IterTimerHook):  # its estimate divides by the iterations since
                hook.before_train(self.runner)
        self.runner.call_hook('after_roll_back')

    def _save_and_stop(self, number: int) -> None:
        savers = [hook for hook in self.runner.hooks if hasattr(hook, 'save_now')]
        for hook in savers:
            hook.save_now(self.runner)
        if not savers:  # another checkpoint hook than ours, or none
            folder, name = self.runner.work_dir, f'iter_{self._iter}.pth'
            meta = dict(epoch=self._epoch, iter=self._iter)
            self.runner.save_checkpoint(folder, name, by_epoch=False, meta=meta)
            if is_main_process():
                write_pointer(folder, Path(folder) / name)
        barrier()  # the launcher takes the end of one rank for that of all
        raise Stopped(number, self._iter)

    def _validate_if_missed(self) -> None:
        # A checkpoint is written before the validation of its iteration, in which a training may
        # have been killed.
        self._decide_current_val_interval()
        hub = self.runner.message_hub
        missed = hub.get_info('iter_validated', 0) != self._iter
        if self._iter > 0 and missed and self._validates_now():
            hub.update_info('iter', self._iter - 1)  # as the iteration left it
            self.runner.val_loop.run()

    def _validates_now(self) -> bool:
        is_due = self._iter % self.val_interval == 0 or self._iter == self._max_iters
        return self.runner.val_loop is not None and self._iter >= self.val_begin and is_due


def _check_runner(runner: Runner) -> None:
    if not hasattr(runner, 'restore_rank_state'):
        raise TypeError(
            "ResumableIterTrainLoop needs the runner that the config's runner_type names, "
            f"mmfncontra.TrainingRunner, got {type(runner).__name__}: build it by mmengine's "
            "RUNNERS.build(cfg) in place of Runner.from_cfg(cfg), or run 'mmfncontra train CONFIG'"
        )
