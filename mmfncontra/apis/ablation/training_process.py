"""A run of a study as a process: started, watched, ended, and its outcome written down."""

import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from .run import AblationRun

_PATIENCE = 60.0  # seconds that a training gets to save and end, each time it is told to


class TrainingProcess:
    """A training under way. What it prints goes to ``ablate.log`` in its folder.

    Args:
        run: What is trained.
        record: What to write down of it.
        environment: Variables beside those of this process.
        keep_open: File descriptors that the training inherits.
        ignored: Signals that it does not hear.

    Raises:
        ValueError: If its program cannot be started.
    """

    def __init__(
        self,
        run: AblationRun,
        record: Mapping,
        environment: Mapping[str, str] | None = None,
        keep_open: Collection[int] = (),
        ignored: Collection[int] = (),
    ) -> None:
        self.run, self._record = run, record
        run.write_record(**record, finished=False)
        self.log = run.work_dir / 'ablate.log'
        self.log_start = self.log.stat().st_size if self.log.exists() else 0

        def ignore() -> None:
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        with self.log.open('ab') as output:
            try:
                self._child = subprocess.Popen(
                    run.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=keep_open,
                    env={**os.environ, **(environment or {})},
                    preexec_fn=ignore if ignored else None,
                )
            except OSError as error:
                raise ValueError(f'{run.command[0]} cannot be started: {error}') from error
        self.pid = self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._child.poll()

    def tell(self, number: int) -> None:
        """Send a signal; nothing if it has ended."""
        self._child.send_signal(number)

    def settle(self) -> str | None:
        """Write down the outcome of a training that has ended.

        Returns:
            Why it failed, if it did.
        """
        reason = None
        if self.exit_code:
            reason = f'exit code {self.exit_code}: {_last_line(self.log)} (all of it in {self.log})'
        elif not self.run.cards():
            reason = f'it left no metric card in {self.run.work_dir / "metrics"}'
        self.run.write_record(
            **self._record, finished=reason is None, **({'failure': reason} if reason else {})
        )
        return reason


def end_trainings(
    trainings: Iterable[TrainingProcess], told: bool = False, patience: float = _PATIENCE
) -> None:
    """End trainings that are to save what they have.

    They are told by SIGTERM, and killed if they do not end. Ctrl-C kills them at once.

    Args:
        trainings: Those under way.
        told: Whether they have been told already, as a terminal's Ctrl-C tells all at once; then
            they get time before SIGTERM too.
        patience: Seconds that they get each time.
    """
    running = [training for training in trainings if training.exit_code is None]
    try:
        if told:
            running = _wait(running, patience)
        for training in running:
            training.tell(signal.SIGTERM)
        running = _wait(running, patience)
    finally:  # after a second Ctrl-C too
        for training in running:
            training.tell(signal.SIGKILL)
        _wait(running, patience)


def _wait(trainings: list[TrainingProcess], patience: float) -> list[TrainingProcess]:
    """Those that still run when the time is over."""
    end = time.monotonic() + patience
    while trainings and time.monotonic() < end:
        time.sleep(0.02)
        trainings = [training for training in trainings if training.exit_code is None]
    return trainings


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding='utf-8', errors='replace').split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), 'it printed nothing')
