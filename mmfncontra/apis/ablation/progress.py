"""How far the trainings of a study are, in one view."""

import re
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from .training_process import TrainingProcess

_TAIL = 16 << 10  # bytes of a log in which its latest line of progress is looked for
_INTERVAL = 1.0  # seconds between two readings
# Lines of ProgressLoggerHook, and of mmengine's LoggerHook.
_PROGRESS = re.compile(r'(?:\biter |Iter\(train\) \[ *)(\d+)/\d+(.*)')
_ETA = re.compile(r'\beta:? ((?:\d+ days?, )?\d+:\d\d:\d\d)')
_ALL_FORMAT = '{desc} |{bar}| {percentage:3.0f}% | {elapsed} | eta {remaining}'
_LINE_FORMAT = '{desc}: {n_fmt}/{total_fmt} |{bar}| '


def read_progress(log: Path, start: int = 0) -> tuple[int, str] | None:
    """The latest line of progress in what a training prints.

    Args:
        log: Its file.
        start: Bytes of it that are older than the training.

    Returns:
        Iterations done, and the time left as the training says it, ``''`` if it does not; None
        before its first such line.
    """
    with log.open('rb') as file:
        size = file.seek(0, 2)
        file.seek(max(start, size - _TAIL))
        found = _PROGRESS.findall(file.read().decode(errors='replace'))
    if not found:
        return None
    iterations, rest = found[-1]
    eta = _ETA.search(rest)
    return int(iterations), eta[1] if eta else ''


@dataclass
class _Line:
    """The bar of a run, and whether the training has shown where it goes on."""

    bar: tqdm
    training: TrainingProcess
    seen: bool = False


class StudyProgress:
    """A bar of all iterations of a study, and below it a line for each training that runs.

    They are shown in a terminal only; messages are lines above them, or elsewhere all there is.

    Args:
        lengths: Iterations of each run.

    Example:
        >>> with StudyProgress([100, 100]) as view:
        ...     view.say('run 1 of 2: a, seed 0: starts')
        run 1 of 2: a, seed 0: starts
    """

    def __init__(self, lengths: Collection[int]) -> None:
        self._runs, self._done, self._read = len(lengths), 0, 0.0
        self._lines: dict[int, _Line] = {}
        self._all = self._bar(sum(lengths), 0, _ALL_FORMAT)
        self._count()

    def __enter__(self) -> 'StudyProgress':
        return self

    def __exit__(self, *error: object) -> None:
        for bar in (*(line.bar for line in self._lines.values()), self._all):
            bar.close()

    def say(self, message: str) -> None:
        """Print a line on stdout, above the bars."""
        tqdm.write(message, file=sys.stdout)
        sys.stdout.flush()

    def start(self, place: int, training: TrainingProcess, length: int) -> None:
        """Show a training.

        Args:
            place: Its line, from 0.
            training: The training.
            length: Its iterations.
        """
        form = f'{_LINE_FORMAT}starts'
        bar = self._bar(length, place + 1, form, training.run.name, leave=False)
        self._lines[place] = _Line(bar, training)

    def end(self, place: int) -> None:
        """Remove the line of a training that has ended.

        Args:
            place: As in :meth:`start`.
        """
        line = self._lines.pop(place)
        # What it has left out, early stopped or failed, was not trained in no time.
        self._skip(line.bar.total - line.bar.n)
        line.bar.close()
        self._count(1)

    def pass_over(self, length: int) -> None:
        """Count a run that was finished before.

        Args:
            length: Its iterations.
        """
        self._skip(length)
        self._count(1)

    def update(self) -> None:
        """Read how far the trainings are, about once a second."""
        if self._all.disable or time.monotonic() < self._read + _INTERVAL:
            return
        self._read = time.monotonic()
        for line in self._lines.values():
            progress = read_progress(line.training.log, line.training.log_start)
            if progress is None:
                continue
            iterations, eta = progress
            new = iterations - line.bar.n
            if line.seen:
                self._all.n += new
            else:  # those before it was resumed took no time of this call
                self._skip(new)
            line.seen, line.bar.n = True, iterations
            line.bar.bar_format = _LINE_FORMAT + (f'eta {eta}' if eta else '')
            line.bar.refresh()
        self._all.refresh()

    def _bar(self, total: int, place: int, form: str, name: str = '', leave: bool = True) -> tqdm:
        return tqdm(
            total=total,
            position=place,
            bar_format=form,
            desc=name,
            leave=leave,
            smoothing=0,
            dynamic_ncols=True,
            disable=None,
        )

    def _skip(self, iterations: int) -> None:
        if self._all.disable:  # such a bar has no beginning
            return
        self._all.initial += iterations
        self._all.n += iterations

    def _count(self, done: int = 0) -> None:
        self._done += done
        self._all.set_description_str(f'{self._done} of {self._runs} runs')
