"""Pairs of photographs and their reductions, as super-resolution networks are trained on."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.prepare_mmagic import prepare_mmagic

SUFFIXES = ('.jpg', '.jpeg', '.png')
SCALE = 4
TEST_SIZE = 128


def split_photographs(data: Path, held_out: int = 30) -> dict[str, list[Path]]:
    """Which photograph serves for what.

    Args:
        data: Folder with the folders ``shoes`` and ``hats``.
        held_out: Size of the splits that are not trained on.

    Returns:
        ``train``, the shoes but for the last ones, which are ``val``; ``test``, hats taken at even
        intervals.

    Raises:
        ValueError: If there are too few photographs.
    """
    shoes, hats = (
        sorted(file for file in (data / name).iterdir() if file.suffix.lower() in SUFFIXES)
        for name in ('shoes', 'hats')
    )
    if len(shoes) <= held_out or len(hats) < held_out:
        raise ValueError(
            f'--data must have more than {held_out} photographs of shoes and {held_out} of hats '
            f'({", ".join(SUFFIXES)}), got {len(shoes)} and {len(hats)} in {data}'
        )
    test = [hats[i * len(hats) // held_out] for i in range(held_out)]
    return dict(train=shoes[:-held_out], val=shoes[-held_out:], test=test)


def draw_shells(out: Path, train: int, test: int) -> dict[str, list[Path]]:
    """Draw shells as PNG files, in place of photographs.

    Args:
        out: Folder to write into.
        train: Shells to train on.
        test: Further ones to test on.

    Returns:
        ``train`` and ``test``, 128x128 pixels each.
    """
    prepare_mmagic()
    # Imported now: mmagic had to be readied first.
    import mmcv

    from mmfncontra.datasets import ProceduralShells

    shells = ProceduralShells(num_images=train + test, size=TEST_SIZE)
    files = [out / f'{index:04}.png' for index in range(len(shells))]
    for file, shell in zip(files, shells, strict=True):
        mmcv.imwrite(shell['img'][..., ::-1], str(file))
    return dict(train=files[:train], test=files[train:])


def write_pairs(splits: dict[str, Sequence[Path]], out: Path) -> Path:
    """Write each photograph and its reduction to a quarter of each side.

    The reduction is MATLAB's antialiased bicubic one, rounded to 8 bits, as is usual in
    super-resolution. Sides that 4 does not divide lose up to 3 pixels first; of the
    photographs that are not trained on, the middle is taken, 128x128 pixels at most, to save time.

    Args:
        splits: Files by the name of the split.
        out: Folder to write anew: ``<split>/gt`` and ``<split>/lr``.

    Returns:
        ``out``.
    """
    prepare_mmagic()
    # Imported now: mmagic had to be readied first.
    import mmcv
    import numpy as np
    from mmagic.datasets.transforms import MATLABLikeResize

    reduce = MATLABLikeResize(keys=['img'], scale=1 / SCALE)
    shutil.rmtree(out, ignore_errors=True)
    for split, files in splits.items():
        for file in files:
            image = mmcv.imread(file)
            height, width = (side - side % SCALE for side in image.shape[:2])
            if split != 'train':
                height, width = min(height, TEST_SIZE), min(width, TEST_SIZE)
            top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
            image = image[top : top + height, left : left + width]
            reduced = reduce(dict(img=image))['img'].round().clip(0, 255).astype(np.uint8)
            # BMP: eight are read in every iteration, and there is nothing to decompress.
            mmcv.imwrite(image, str(out / split / 'gt' / f'{file.stem}.bmp'))
            mmcv.imwrite(reduced, str(out / split / 'lr' / f'{file.stem}.bmp'))
    return out
