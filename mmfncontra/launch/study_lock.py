"""File lock: one study at a time in a folder, over the death of the process that runs it."""

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def hold_study(work_dir: str | Path) -> Iterator[IO[str]]:
    """Keep other studies out of a folder for as long as the body, or a training of it, runs.

    Trainings inherit the lock (``pass_fds``): should this process be killed, the lock stays until
    the last of them ends, and no second one starts in its folder.

    Args:
        work_dir: Folder of the study; it is made.

    Yields:
        The locked file, for :func:`name_holders`.

    Raises:
        ValueError: If a study or its training holds the folder, or it is a file.
    """
    work_dir = Path(work_dir)
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ValueError(f'work_dir must be a folder, but {work_dir} is a file') from error
    with (work_dir / '.lock').open('a+', encoding='utf-8') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holders = file.read() or 'unknown'
            kind = 'processes' if ' ' in holders else 'process'
            raise ValueError(
                f'a training still runs in {work_dir} ({kind} {holders}): wait for it or end it'
            ) from error
        yield file


def name_holders(lock: IO[str], processes: Iterable[int]) -> None:
    """Write down whom a refused study is to wait for.

    Args:
        lock: From :func:`hold_study`.
        processes: Their ids.
    """
    lock.seek(0)
    lock.truncate()
    lock.write(' '.join(map(str, processes)))
    lock.flush()
