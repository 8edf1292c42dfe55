"""Feature cache: features of real images, computed once."""

import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dist import all_gather_object, broadcast_object_list, get_dist_info

from mmfncontra.utils.files import expand_home, whole_file

from ..hashes import content_digests, set_sha256
from .extractor import FeatureExtractor

_DIGESTS = 'digests'


def cached_features(
    extractor: FeatureExtractor,
    images: Sequence[np.ndarray],
    cache_dir: str | os.PathLike | None,
    extra: str = '',
) -> dict[str, np.ndarray]:
    """Features of images, from the cache if the same images have been there before.

    The key is what features depend on: the pixels of all images, in whatever order, their number,
    the extractor, its weights and its resize. Rows come in the order of ``images`` all the same,
    since each row is kept with the digest of its image.

    In a distributed run every rank has to call this with the same images. Each rank reads and
    computes its share, the first one owns the file, and all get the whole result.

    Args:
        extractor: What computes them; it does not run when the cache has them.
        images: Images (H, W, 3) of one size, uint8, RGB: an array, a list, or anything with a
            length that reads them one by one.
        cache_dir: Folder of the cache, made if need be. ``None``: nothing is kept.
        extra: Anything else the key should depend on.

    Returns:
        What the extractor returns, (N, D) each.

    Raises:
        ValueError: If there are no images, or some are not uint8 RGB.
    """
    num = len(images)
    if not num:
        raise ValueError('images must not be empty')
    rank, world_size = get_dist_info()
    share = range(rank, num, world_size)
    view = _View(images, share)
    digests = _interleave(all_gather_object(dict(d=content_digests(view))), num)['d']
    path = None if cache_dir is None else _path(extractor, digests, cache_dir, extra)
    found = [_read(path, digests) if rank == 0 and path is not None else None]
    broadcast_object_list(found)
    if found[0] is not None:
        return found[0]
    parts = all_gather_object(_extract(extractor, view))
    features = _interleave(parts, num)
    if rank == 0 and path is not None:
        _write(path, {_DIGESTS: digests, **features})
    return features


class _View(Sequence):
    """Some of the images, read when asked for."""

    def __init__(self, images: Sequence[np.ndarray], indices: range) -> None:
        self._images, self._indices = images, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._images[self._indices[index]]


def _extract(extractor: FeatureExtractor, images: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    parts = []
    for start in range(0, len(images), extractor.batch_size):
        stop = min(start + extractor.batch_size, len(images))
        parts.append(extractor(np.stack([images[i] for i in range(start, stop)])))
    return (
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    )


def _interleave(parts: list[dict[str, np.ndarray]], num: int) -> dict[str, np.ndarray]:
    """Rows of all ranks, of which rank r has every R-th from r on."""
    out = {name: np.empty((num, *rows.shape[1:]), rows.dtype) for name, rows in parts[0].items()}
    for rank, part in enumerate(parts):
        for name, rows in part.items():
            out[name][rank :: len(parts)] = rows
    return out


def _path(
    extractor: FeatureExtractor, digests: np.ndarray, cache_dir: str | os.PathLike, extra: str
) -> Path:
    key = dict(
        **extractor.fingerprint,
        num=len(digests),
        content=set_sha256(digests),
        extra=extra,
    )
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return expand_home(cache_dir) / f'{extractor.name}-{name}.npz'


def _read(path: Path, digests: np.ndarray) -> dict[str, np.ndarray] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:  # the zip's checksums show damage
            kept = {name: file[name] for name in file.files}
        row = {digest.tobytes(): i for i, digest in enumerate(kept.pop(_DIGESTS))}
        order = [row[digest.tobytes()] for digest in digests]
        return {name: rows[order] for name, rows in kept.items()}
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        warnings.warn(f'{path} is damaged and computed anew: {error}', stacklevel=3)
        return None


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished, unfinished.open('wb') as file:
            np.savez(file, **arrays)
    except OSError as error:  # a full or read-only disk is no reason to lose the features
        warnings.warn(f'features are not cached in {path.parent}: {error}', stacklevel=3)
