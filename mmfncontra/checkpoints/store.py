"""The checkpoints of a work dir: the atomic write of its pointer, and the newest sound one."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmfncontra.utils.console import warn
from mmfncontra.utils.files import whole_file

from .file import load_resumable_file

POINTER = 'last_checkpoint'


def write_pointer(work_dir: str | Path, checkpoint: str | Path) -> None:
    """Name the newest checkpoint of a work dir.

    Args:
        work_dir: The folder.
        checkpoint: A complete file.

    Raises:
        OSError: See :func:`whole_file`.
    """
    with whole_file(Path(work_dir) / POINTER) as path:
        # The bytes of the path, which need not be text in the encoding of this machine.
        path.write_bytes(os.fsencode(checkpoint))


def checkpoints_of(work_dir: str | Path) -> list[Path]:
    """Checkpoints of a training, the one to go on from first.

    That is what ``last_checkpoint`` names, also after the folder was moved; before it come those
    that were written since, after it the earlier ones, the newest first.

    Args:
        work_dir: Folder of a training.

    Returns:
        Existing files ``iter_<number>.pth``, and what the pointer names.
    """
    folder = Path(work_dir)
    numbered = {
        path: int(match[1])
        for path in folder.glob('iter_*.pth')
        if (match := re.fullmatch(r'iter_(\d+)', path.stem))
    }
    newest_first = sorted(numbered, key=numbered.get, reverse=True)
    pointer = folder / POINTER
    try:
        text = os.fsdecode(pointer.read_bytes()).strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, UnicodeDecodeError):
        return newest_first
    named = Path(text)
    # By its name first: a folder that was copied must not lead to where it came from.
    named = next((path for path in (folder / named.name, named) if path.is_file()), named)
    if not text or not named.is_file():
        return newest_first
    at = numbered.get(folder / named.name)
    if at is None:  # a name of the user's own
        return [named, *newest_first]
    written = pointer.stat().st_mtime_ns
    since = [p for p in newest_first if numbered[p] > at and _written(p) > written]
    return [*since, named, *(path for path in newest_first if numbered[path] < at)]


def latest_checkpoint(
    work_dir: str | Path, check: Callable[[Path], Any] | None = None, since: int = 0
) -> Path | None:
    """The newest checkpoint of a folder, also after the folder was moved.

    Args:
        work_dir: Folder of a training.
        check: Raises ``ValueError`` for a file that cannot be used; then a warning names it, and
            the one before it is taken.
        since: Only files written after this time, in nanoseconds since the epoch.

    Returns:
        Its path; None where nothing was saved yet.

    Raises:
        ValueError: If there are checkpoints and none can be used.
    """
    paths = [path for path in checkpoints_of(work_dir) if _written(path) > since]
    problem: ValueError | None = None
    for path in paths:
        try:
            if check is not None:
                check(path)
        except ValueError as error:
            problem = problem or error
            warn(f'{error}; trying the one before')
        else:
            return path
    if problem is not None:
        raise ValueError(
            f'no checkpoint of {work_dir} can be used ({problem}); to start anew, move the '
            'iter_*.pth files away or train without --resume'
        ) from problem
    return None


def _written(path: Path) -> int:
    """When a file was written, in nanoseconds since the epoch; -1 if it is gone meanwhile."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return -1


def check_finite(path: str | Path) -> None:
    """Check that a training can go on from a checkpoint, and that its weights are numbers.

    Args:
        path: A ``.pth`` file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be resumed, or holds NaN or infinity.
    """
    for name, value in load_resumable_file(path)['state_dict'].items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f'{path} holds values that are not finite, in {name}')
