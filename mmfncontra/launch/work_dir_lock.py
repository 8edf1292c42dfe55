"""File lock: one training at a time in a work dir."""

import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_NAME = '.lock'
_POLL = 0.2  # seconds
# The file system has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
# What this process holds: its own locks do not keep a process out.
_held: set[str] = set()


@contextlib.contextmanager
def hold_work_dir(
    work_dir: str | Path, launcher: str = 'none', wait: float = 10.0
) -> Iterator[None]:
    """Keep a work dir from other trainings for as long as the body runs.

    The folder is made, and in it a file ``.lock`` that names the holder. What counts is the lock on
    it, which the system takes back when the process ends, however it ends: a file that is left
    behind keeps nobody out. It is a POSIX record lock, so that NFS shares it between machines and
    workers of a data loader do not inherit it. Without such locks (Windows, some network file
    systems) nobody is kept out.

    Of the processes of one training the first one holds the folder.

    Args:
        work_dir: Folder of a training.
        launcher: What started the process: 'none', 'pytorch', 'slurm' or 'mpi'.
        wait: Seconds to wait for a holder that is about to end, such as the one before a restart.

    Raises:
        ValueError: If another training holds the folder, or it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, hold_work_dir(folder):
        ...     pass
    """
    if fcntl is None or launched_rank(launcher):
        yield
        return
    path = os.path.realpath(work_dir)
    if path in _held:  # before it is opened: closing any handle of a file drops the lock on it
        raise _in_use(path, f'{os.getpid()} {socket.gethostname()}')
    file = _open(path)
    try:
        _acquire(file, path, wait)
        _held.add(path)
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f'{os.getpid()} {socket.gethostname()}\n'.encode(), 0)
            yield
        finally:
            _held.discard(path)
            with contextlib.suppress(OSError):  # a full disk: the name says nothing by itself
                os.ftruncate(file, 0)
    finally:
        os.close(file)  # which gives the lock back


def launched_rank(launcher: str) -> int:
    """Number of this process among those of a training, before they know of each other.

    Args:
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
    """
    names = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')
    return int(os.environ.get(names.get(launcher, ''), '0'))


def _open(path: str) -> int:
    try:
        os.makedirs(path, exist_ok=True)
        return os.open(os.path.join(path, _NAME), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise ValueError(
            f'work dir {path} cannot be written ({error.strerror}): mend that, or take another '
            '--work-dir'
        ) from error


def _acquire(file: int, path: str, wait: float) -> None:
    end = time.monotonic() + wait
    while not _lock(file):
        if time.monotonic() >= end:
            raise _in_use(path, os.pread(file, 1000, 0).decode(errors='replace'))
        time.sleep(_POLL)


def _in_use(path: str, holder: str) -> ValueError:
    pid, _, host = holder.strip().partition(' ')
    by = f'process {pid} on {host}' if host else 'another process'
    return ValueError(
        f'work dir {path} is in use by a training, {by}: wait for it or end it, or take another '
        '--work-dir'
    )


def _lock(file: int) -> bool:
    """Whether the file is ours now, or cannot be anybody's."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True
