"""What a check knows of the run that it belongs to, and where it says what it has found."""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


@dataclass(frozen=True)
class Run:
    """A run of some checks, as one of them sees it.

    Attributes:
        results: The file that takes a line of JSON for everything that is found.
        files: Folder for what is looked at besides: log, test report, pictures.
        work: Folder for what nobody keeps.
        device: ``'cuda'``, or ``'cpu'`` in a dry run.
        dry: Whether this is a trial at tiny sizes, whose figures say nothing.
        began: When the run began, by ``time.monotonic()``.
        until: When the check is to be over, likewise.
        check: Name of the check.
        photographs: Folder of folders of photographs to train on, if any.
    """

    results: Path
    files: Path
    work: Path
    device: str
    dry: bool
    began: float
    until: float
    check: str = 'run'
    photographs: Path | None = None

    def emit(self, **facts: object) -> None:
        """Append a line to the results, whole and on the disk, so that a cut-off run has it."""
        line = dict(check=self.check, **facts, at=round(time.monotonic() - self.began, 1))
        if self.dry:
            line['dry_run'] = True
        text = json.dumps(line, default=str)
        file = os.open(self.results, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, f'{text}\n'.encode())  # at once: others write here at the same time
            os.fsync(file)
        finally:
            os.close(file)
        print(text, flush=True)

    def failed(self, error: Exception, **facts: object) -> None:
        """Say that something went wrong, where the check goes on with something else."""
        message = ' '.join(str(error).split())
        self.emit(**facts, fine=False, error=f'{type(error).__name__}: {message}'[:500])

    @property
    def left(self) -> float:
        """Seconds until the check is to be over."""
        return self.until - time.monotonic()


def read_lines(results: Path, after: int = 0) -> list[dict]:
    """Lines of a results file.

    Args:
        results: The file.
        after: Bytes that are passed over.
    """
    with open(results, 'rb') as file:
        file.seek(after)
        return [json.loads(line) for line in file]


def refuse(message: str) -> NoReturn:
    """Leave a command that cannot do what it is asked for."""
    print(f'error: {message}', file=sys.stderr)
    sys.exit(2)


def rounded(values: Mapping[str, float | None], digits: int) -> dict[str, float | None]:
    """Values as a table shows them."""
    return {k: None if v is None else round(v, digits) for k, v in values.items()}
