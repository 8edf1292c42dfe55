"""What projected GANs come to on photographs."""

import time
from functools import partial
from pathlib import Path

from .packages import missing
from .quality import projected
from .run import Run
from .trainings import compare

# Seconds to save, measure and draw two trainings of 256 pixels.
_AFTERWARDS = 60


def check(run: Run) -> None:
    """Train on one set after the other, equally long, in what is left of the time."""
    if lacking := missing(0):
        run.emit(skipped=lacking)
        return
    sets = image_sets(run.photographs)
    for number, images in enumerate(sets):
        until = time.monotonic() + run.left / (len(sets) - number) - _AFTERWARDS
        trainings = projected(run, images, 64 if run.dry else 256, photographs=images.name)
        compare(run, trainings, partial(_lasting, run, until))


def image_sets(folder: Path) -> list[Path]:
    """The folders in a folder, each a set of images."""
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _lasting(run: Run, until: float) -> float:
    return 0.5 if run.dry else round(max(10.0, until - time.monotonic()), 1)
