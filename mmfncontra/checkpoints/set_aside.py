"""Keeping an earlier training of a work dir apart from the one that begins there."""

import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from mmfncontra.utils.files import expand_home

# What trainings, and the tools beside their checkpoints, write into a work dir.
_WRITTEN = (
    *('iter_*.pth', 'best_*.pth', 'last_checkpoint', 'doctor.json', 'iter_*_metrics*.json'),
    *('curves.png', 'negatives.png', 'report.html'),
    *('samples', 'metrics', 'non_finite', 'generated', 'generated_*'),
)
_STARTED = re.compile(r'\d{8}_\d{6}')  # the folder of a start: logs and scalars
_NUMBERED = ('iter_*.pth', 'samples/iter_*', 'metrics/iter_*')


def has_training(work_dir: str | Path) -> bool:
    """Whether a work dir has checkpoints of a training.

    Args:
        work_dir: The folder, which need not be there.
    """
    return any(Path(work_dir).glob('iter_*.pth'))


def earlier_folder(work_dir: str | Path) -> Path:
    """Where :func:`set_aside` moves things next: ``earlier_1``, ``earlier_2``, … in a work dir.

    Args:
        work_dir: The folder.
    """
    names = (Path(work_dir) / f'earlier_{number}' for number in count(1))
    return next(path for path in names if not path.exists())


def set_aside(
    work_dir: str | Path,
    start: str | Path | None,
    resumes: bool,
    configs: Iterable[Path] = (),
) -> Path | None:
    """Move what a training leaves behind that does not go on into a folder of its own.

    A training that begins anew, or goes on from a checkpoint of elsewhere, leaves all of it; one
    that goes on from an earlier checkpoint of the folder leaves what lies ahead of that. Only what
    trainings write is moved, and only where there is a checkpoint among it.

    Args:
        work_dir: Folder of a training that this process holds.
        start: Checkpoint that the training starts from; it stays where it is.
        resumes: Whether it goes on from there.
        configs: Configs that earlier trainings wrote there.

    Returns:
        The new folder; None where there was nothing to move.

    Raises:
        ValueError: If something cannot be moved.
    """
    folder = Path(work_dir)
    if not has_training(folder):
        return None
    first = None if start is None else expand_home(start).resolve()
    if resumes and first is not None and first.parent == folder.resolve():
        left = _ahead_of(folder, first)
    else:
        left = [*_everything(folder), *configs]
    moved = [path for path in left if path.resolve() != first]
    if not any(path.match('iter_*.pth') for path in moved):
        return None
    target = earlier_folder(folder)
    try:
        for path in moved:
            place = target / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
    except OSError as error:
        raise ValueError(
            f'the training that is in {folder} cannot be moved to {target} ({error.strerror}): '
            'take another --work-dir'
        ) from error
    return target


def _everything(folder: Path) -> list[Path]:
    found = {path for pattern in _WRITTEN for path in folder.glob(pattern)}
    found |= {path for path in folder.iterdir() if _STARTED.fullmatch(path.name)}
    return sorted(found)


def _ahead_of(folder: Path, start: Path) -> list[Path]:
    here = _iteration(start)
    found = [path for pattern in _NUMBERED for path in folder.glob(pattern)]
    return [p for p in found if here is not None and (_iteration(p) or 0) > here]


def _iteration(path: Path) -> int | None:
    match = re.search(r'iter_(\d+)', path.stem)
    return None if match is None else int(match[1])
