"""Atomic write: a file that is whole or not there at all; hashes of files."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

_UNFINISHED = '.unfinished'


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Write a file so that its name only ever stands for a complete one.

    The bytes go to a file beside it, of the process's own, are forced to the disk, and then take
    the name over what had it before, which stays untouched until then and if anything goes wrong.

    Args:
        path: The file.

    Yields:
        Where to write.

    Raises:
        OSError: If the disk is full or read-only, or the folder may not be written to.
    """
    path = Path(path)
    unfinished = path.with_name(f'{path.name}.{os.getpid()}{_UNFINISHED}')
    try:
        yield unfinished
        _force_to_disk(unfinished)
        os.replace(unfinished, path)
        # The file is there already; Windows and some network file systems sync no folder.
        with suppress(OSError):
            _force_to_disk(path.parent)
    except BaseException as error:
        _try_to_remove(unfinished)
        if isinstance(error, OSError):
            raise OSError(f'cannot write {path}: {error.strerror or error}') from error
        raise


def expand_home(path: str | os.PathLike) -> Path:
    """A path with the home folder in place of a leading ``~``.

    Args:
        path: The path. One that begins with the name of no user, such as ``~old``, stays as it is,
            and so does any where there is no home folder, as for a user id without a name.
    """
    return Path(os.path.expanduser(path))


def write_json(path: str | Path, content: Any) -> Path:
    """Write a JSON file, whole or not at all, and make its folder.

    Args:
        path: The file.
        content: What is in it; what JSON does not know becomes text.

    Returns:
        The path.

    Raises:
        OSError: See :func:`whole_file`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1, default=str), encoding='utf-8')
    return path


def has_content(path: str | Path) -> bool:
    """Whether there is a file that is not empty.

    Args:
        path: The file.
    """
    path = Path(path)
    return path.is_file() and path.stat().st_size > 0


def keep_earlier(path: str | Path) -> Path:
    """Move a file out of the way of another result of its name.

    Args:
        path: A file, ``name.json``.

    Returns:
        Where it is now: ``name_1.json``, or with the next number that is free.

    Raises:
        OSError: If it cannot be moved.
    """
    path = Path(path)
    names = (path.with_name(f'{path.stem}_{number}{path.suffix}') for number in count(1))
    free = next(name for name in names if not name.exists())
    path.rename(free)
    return free


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_to_remove(path: Path) -> None:
    with suppress(OSError):  # a read-only disk; the error under way says so
        path.unlink(missing_ok=True)


def remove_unfinished(folder: str | Path) -> None:
    """Remove what a killed process was writing.

    Args:
        folder: A work dir that no other process writes to; the folders in it are searched too.
    """
    for path in Path(folder).rglob(f'*{_UNFINISHED}'):
        _try_to_remove(path)


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    Args:
        path: The file; it is read in pieces.
    """
    digest = hashlib.sha256()
    with Path(path).open('rb') as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def file_hash(path: str | Path) -> str:
    """First 16 hexadecimal digits of a file's SHA-256.

    Args:
        path: The file.
    """
    return file_sha256(path)[:16]
