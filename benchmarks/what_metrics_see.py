#!/usr/bin/env python
"""What each metric sees: one half of a set of photographs against the other, changed in known ways.

python benchmarks/what_metrics_see.py DATA

DATA holds the folders hats and shoes. Writes a table in Markdown.
"""

import argparse
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmfncontra.datasets import resize_image
from mmfncontra.evaluation.metrics import FeatureMetrics, ImageMetrics, SampleMetric
from mmfncontra.evaluation.value_names import short_name

FEATURES = ['fd', 'kid', 'precision_recall', 'density_coverage', 'memorisation']
PIXELS = ['spectrum', 'swd', 'copy_rate', 'diversity']


def read_images(folder: Path, size: int, num: int | None) -> np.ndarray:
    """Images of a folder, uint8 RGB, (N, S, S, 3), in the order of their names."""
    paths = sorted(folder.glob('*.jpg'))[:num]
    if not paths:
        raise FileNotFoundError(f'DATA must hold {folder.name}/*.jpg, there are none in {folder}')
    return np.stack([resize_image(Image.open(path).convert('RGB'), size) for path in paths])


def each_image(change: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    """Images with a change made to each."""
    return np.stack([change(image) for image in images])


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """An image as JPEG of a quality brings it back."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, 'JPEG', quality=quality)
    return np.asarray(Image.open(file))


def make_sets(
    half: np.ndarray, other: np.ndarray, shoes: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """What is compared with one half of the hats, by what it is called in the table.

    Args:
        half: What it is compared with, uint8 RGB, (N, S, S, 3).
        other: The other half of the hats.
        shoes: As many shoes.
    """
    yield 'other hats', other
    yield 'shoes', shoes
    for sigma in (0.5, 1, 2, 4):
        yield (
            f'other hats, blurred, σ = {sigma:g} px',
            each_image(lambda image, s=sigma: cv2.GaussianBlur(image, (0, 0), s), other),
        )
    for quality in (75, 30, 10):
        yield (
            f'other hats, JPEG of quality {quality}',
            each_image(lambda image, q=quality: compress(image, q), other),
        )
    yield 'half of the other hats, each twice', other[: len(other) // 2].repeat(2, 0)
    yield 'the same hats', half
    yield 'the same hats, shifted by a sixteenth', np.roll(half, half.shape[1] // 16, axis=2)


def measure(metrics: Sequence[SampleMetric], images: np.ndarray) -> dict[str, float]:
    """Values of metrics that have taken in the real images."""
    found: dict[str, float] = {}
    for metric in metrics:
        metric.process(dict(images=images))
        found |= metric.evaluate()
    return found


def show(value: float) -> str:
    """A value as the table has it; a rounding error of a distance is 0."""
    return f'{value if abs(value) > 1e-9 else 0:.3g}'


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('data', type=Path, metavar='DATA', help='folder of hats and shoes')
    parser.add_argument('--size', type=int, default=128, help='side of the images in pixels')
    parser.add_argument('--num', type=int, help='images of each folder; default: all')
    parser.add_argument('--seed', type=int, default=0, help='of the halves')
    parser.add_argument('--extractor', default='efficientnet_lite2', help='network')
    args = parser.parse_args()
    hats, shoes = (read_images(args.data / name, args.size, args.num) for name in ('hats', 'shoes'))
    order = np.random.default_rng(args.seed).permutation(len(hats))
    num = min(len(hats) // 2, len(shoes))
    half, other = hats[order[:num]], hats[order[num : 2 * num]]
    metrics = [
        FeatureMetrics(FEATURES, num, args.extractor, cache_dir=None),
        ImageMetrics(PIXELS, num),
    ]
    for metric in metrics:
        metric.prepare_real(list(half))
    short = short_name(args.extractor)
    left_out = ('_unbiased', '_std', 'diversity')
    rows = {name: measure(metrics, images) for name, images in make_sets(half, other, shoes[:num])}
    names = [n for n in next(iter(rows.values())) if not n.endswith(left_out)]
    print(f'{num} hats against {num} images each, {args.size} pixels:\n')
    print(f'| against hats | {" | ".join(f"`{name}`" for name in names)} |')
    print(f'|---|{"---|" * len(names)}')
    for name, values in rows.items():
        print(f'| {name} | {" | ".join(show(values[each]) for each in names)} |')
    print(f'\nThose with {short} in their names are of {args.extractor}.')


if __name__ == '__main__':
    main()
