"""Progress bar and log lines: what a training shows while it runs."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from logging import FileHandler, LogRecord, StreamHandler
from typing import TextIO

from mmengine.dist import is_main_process
from mmengine.hooks import LoggerHook
from mmengine.runner import Runner
from tqdm import tqdm

from mmfncontra.registry import HOOKS

from ..stream_count import stream_count

# A narrow terminal cuts the end off: losses first, then what follows from the iteration anyway.
_BAR_FORMAT = '{n_fmt}/{total_fmt} |{bar}| {rate_fmt} | eta {remaining}'


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Args:
        iteration: Iterations done, those before a resume included.
        max_iters: Iterations of the whole training.
        done_here: Iterations done since this run started.
        seconds: Time since this run started.
        images: Images seen, over all ranks.
        epochs: Times the whole training set was seen.
    """

    iteration: int
    max_iters: int
    done_here: int
    seconds: float
    images: int
    epochs: float

    @property
    def speed(self) -> float:
        """Iterations per second of this run."""
        return self.done_here / max(self.seconds, 1e-9)

    @property
    def eta(self) -> timedelta:
        """Time left at the speed of this run."""
        left = self.max_iters - self.iteration
        return timedelta(seconds=round(left / max(self.speed, 1e-9)))

    def seen(self) -> str:
        """Epochs and images seen, in words."""
        return f'epoch {self.epochs:.1f} | {self.images} images'

    def __str__(self) -> str:
        return (
            f'iter {self.iteration}/{self.max_iters} | {self.seen()} | '
            f'{self.speed:.3g} it/s | eta {self.eta}'
        )


# What the lines show of a training: sums, contrast, overfitting and what follows it.
SHOWN = (
    *('loss_disc', 'loss_gen', 'loss_dwcl', 'loss_gwcl'),
    *('r_t', 'p_ada', 'p_apa', 'p_chain', 'beta_nice'),
)


class _AboveBar:
    """Stream that writes above the progress bar instead of through it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        tqdm.write(text, file=self.stream, end='')

    def flush(self) -> None:
        self.stream.flush()


def _not_on_bar(record: LogRecord) -> bool:
    return not getattr(record, 'on_bar', False)


@HOOKS.register_module()
class ProgressLoggerHook(LoggerHook):
    """Show how far a training is: iterations, epochs and images, speed, time left, main losses.

    In a terminal that is one progress bar, and the messages of the runner's logger appear above
    it; elsewhere it is one plain line every ``interval`` iterations. The log file gets the lines
    and the visualizer backends get all scalars in both cases. It stands in for mmengine's
    ``LoggerHook`` as ``default_hooks.logger``. Speed and time left count from the start of this
    run, so they are right after a resume; images and epochs count from the first iteration on.

    Args:
        interval: Iterations between two readings of the losses. The last iteration is
            always read.
        losses: Scalars to show, where they exist; all of them are logged.
        log_metric_by_epoch: Number validation metrics by epoch instead of by iteration.
            An iteration-based loop has a single epoch, hence the default.
        **kwargs: Further arguments of ``LoggerHook``.

    Example:
        >>> default_hooks = dict(logger=dict(type='ProgressLoggerHook', interval=50))
    """

    def __init__(
        self,
        interval: int = 50,
        losses: Sequence[str] = SHOWN,
        log_metric_by_epoch: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(interval=interval, log_metric_by_epoch=log_metric_by_epoch, **kwargs)
        self.losses = tuple(losses)
        self._bar: tqdm | None = None
        self._console: list[tuple[StreamHandler, TextIO]] = []

    def before_train(self, runner: Runner) -> None:
        """Forget the clock of an earlier training."""
        self._started: float | None = None
        self._shown_losses = '|'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Start the clock and the bar.

        Not before the first iteration: a resumed loop first skips the batches it has seen.
        """
        if not is_main_process() or self._started is not None:
            return
        self._started = time.perf_counter()
        self._first_iter = runner.iter
        if sys.stdout.isatty():
            self._open_bar(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Advance the bar; read and log the scalars every ``interval`` iterations."""
        if not is_main_process():
            return
        progress = self._progress(runner)
        if self.every_n_train_iters(runner, self.interval) or self.is_last_train_iter(runner):
            tag, _ = runner.log_processor.get_log_after_iter(runner, batch_idx, 'train')
            runner.visualizer.add_scalars(
                tag, step=progress.iteration, file_path=self.json_log_path
            )
            values = {name.removeprefix('train/'): value for name, value in tag.items()}
            shown = {name: values[name] for name in self.losses if name in values}
            line = ''.join(f' | {name} {value:.4g}' for name, value in shown.items())
            runner.logger.info(f'{progress}{line}', extra={'on_bar': True})
            short = [f'{name.removeprefix("loss_")} {shown[name]:.3g}' for name in shown]
            self._shown_losses = ' '.join(['|', *short, '|'] if short else ['|'])
        elif progress.done_here == 1:  # a sign of life, and a first idea of the speed
            runner.logger.info(str(progress), extra={'on_bar': True})
        if self._bar is not None:
            self._bar.bar_format = f'{_BAR_FORMAT} {self._shown_losses} {progress.seen()}'
            self._bar.update()

    def after_roll_back(self, runner: Runner) -> None:
        """Count from the iteration where a training goes on after it went back.

        Args:
            runner: The runner.
        """
        self._started = None
        if self._bar is not None:
            self.after_train(runner)  # the next iteration opens another

    def after_train(self, runner: Runner) -> None:
        """Close the bar and give the console back to the logger."""
        if self._bar is None:
            return
        self._bar.close()
        self._bar = None
        for handler, stream in self._console:
            handler.setStream(stream)
            handler.removeFilter(_not_on_bar)
        self._console = []

    def _progress(self, runner: Runner) -> Progress:
        count = stream_count(runner)
        return Progress(
            iteration=runner.iter + 1,
            max_iters=runner.max_iters,
            done_here=runner.iter + 1 - self._first_iter,
            seconds=time.perf_counter() - self._started,
            images=count.images(runner.iter + 1),
            epochs=count.epochs(runner.iter + 1),
        )

    def _open_bar(self, runner: Runner) -> None:
        for handler in runner.logger.handlers:
            if isinstance(handler, StreamHandler) and not isinstance(handler, FileHandler):
                self._console.append((handler, handler.stream))
                handler.setStream(_AboveBar(handler.stream))
                handler.addFilter(_not_on_bar)
        self._bar = tqdm(
            total=runner.max_iters,
            initial=runner.iter,
            bar_format=_BAR_FORMAT,
            smoothing=0,  # speed over the whole run, as in the plain lines
            dynamic_ncols=True,
            file=sys.stdout,
        )
