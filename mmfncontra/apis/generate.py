"""Images of a trained generator as files."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmfncontra.models.sampling import iterate_images
from mmfncontra.utils.checks import check_writable
from mmfncontra.utils.console import note, shown_name
from mmfncontra.utils.files import expand_home
from mmfncontra.visualization import make_grid, save_png

from .draw_record import GRID, FolderContent, describe_draw, look_into
from .inference import find_device, load_generator

# A grid is held in memory as a whole.
_GRID_LIMIT = 1024


def generate(
    checkpoint: str | Path,
    config: str | Path | None = None,
    num: int = 16,
    seed: int = 0,
    out: str | Path | None = None,
    grid: bool = False,
    batch_size: int | None = None,
    device: str | None = None,
    use_ema: bool = True,
    truncation: float = 1.0,
    label: int | None = None,
    size: int | str | None = None,
) -> Path:
    """Write ``000000.png``, ``000001.png``, … and, if asked, ``grid.png``.

    Each of them holds what it was drawn from. A folder gets images of one draw only: those of
    another checkpoint or seed that are there already would be counted with them by whatever reads
    the folder next.

    Args:
        checkpoint: A ``.pth`` file of a training.
        config: Default the one beside the checkpoint.
        num: Number of images.
        seed: Seed; image i depends on the seed and on i only.
        out: Folder; default ``generated`` beside the checkpoint, and where that has another draw
            ``generated_<checkpoint>_seed_<seed>``, with the other settings if there are any.
        grid: Write all of them as one picture too.
        batch_size: Images generated at once; default as many as fit, see :func:`sample_images`.
        device: Default a GPU where there is one.
        use_ema: Take the moving average of the weights.
        truncation: ψ of a style-based generator: below 1, images nearer to the mean one.
        label: Class of all images of a class-conditional generator; default one drawn for each.
        size: Side of the images in pixels; default the config's.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: If the checkpoint or its config is missing.
        ValueError: If an argument is out of range, the checkpoint cannot be used, or ``out`` has
            images of another draw.
    """
    for name, value in dict(num=num, batch_size=batch_size).items():
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f'{name} must be 1 or more, got {value!r}')
    if grid and num > _GRID_LIMIT:
        raise ValueError(f'a grid shows at most {_GRID_LIMIT} images, but num is {num}')
    device = find_device(device)
    if not isinstance(seed, int) or not -(2**63) <= seed < 2**63:
        raise ValueError(f'seed must be a number of 64 bits, got {seed!r}')
    if out is not None:
        out = check_writable(out, 'out', is_folder=True)
    generator = load_generator(checkpoint, config, device, use_ema, size=size)
    draw = describe_draw(checkpoint, seed, use_ema, truncation, label)
    if out is None:
        out = check_writable(_beside(expand_home(checkpoint), draw), 'out', is_folder=True)
    before = look_into(out, draw)
    if before.others:
        raise ValueError(
            f'{shown_name(out)} has images of another draw ({before.describe_others()}), this one '
            f'is of {draw}: name another folder as out, or remove them'
        )
    save = partial(save_png, draw=draw)
    paths = (out / f'{number:06d}.png' for number in count())
    shown: list[np.ndarray] = []
    # PNG takes longer to write than a GPU to make; threads do it, for a batch at a time.
    with (
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
        tqdm(total=num, unit='image', disable=None) as bar,
    ):
        for images in iterate_images(generator, num, seed, batch_size, device, truncation, label):
            for _ in pool.map(save, images, islice(paths, len(images))):
                bar.update()
            if grid:
                shown.append(images)
    if grid:
        save(make_grid(np.concatenate(shown)), out / GRID)
    note(f'{num} images in {shown_name(out)}{_beside_them(before, num)}')
    return out


def _beside(checkpoint: Path, draw: str) -> Path:
    """The default folder of a draw: one that has no other."""
    folder = checkpoint.parent / 'generated'
    if not look_into(folder, draw).others:
        return folder
    settings = draw.partition(', ')[2].replace(', ', '_').replace(' ', '_')
    apart = folder.with_name(f'generated_{checkpoint.stem}_{settings}')
    note(f'{shown_name(folder)} has images of another draw: these go into {shown_name(apart)}')
    return apart


def _beside_them(before: FolderContent, num: int) -> str:
    """What else is in the folder, in words."""
    more = sum(number >= num for number in before.same)
    parts = [f'{more} more of the same draw'] if more else []
    parts += [f'{before.foreign} by other names'] if before.foreign else []
    return f', beside {" and ".join(parts)}' if parts else ''
