#!/usr/bin/env python
"""Time the negatives: closed form, the transform, convolutions, and PyWavelets.

python benchmarks/negatives.py --size 256 --batch 8 --runs 9
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import pywt
import torch
import torch.nn.functional as F

from mmfncontra.engine.machine_settings import keep_freed_memory
from mmfncontra.models.wavelets import FrequencyNegatives


def pywavelets_loop(images: np.ndarray, levels: int) -> None:
    """Easy, middle and hard of every image and channel, one at a time."""
    for image in images.reshape(-1, *images.shape[-2:]):
        ll, *details = pywt.wavedec2(image, 'haar', mode='periodization', level=levels)
        for kept in ((0, 0, 0), (1, 0, 0), (1, 1, 0)):
            masked = [tuple(k * d for k, d in zip(kept, level, strict=True)) for level in details]
            pywt.waverec2([ll, *masked], 'haar', mode='periodization')


def convolutions(images: torch.Tensor, levels: int) -> None:
    """The same by strided convolutions with the four filters of Haar."""
    low, high = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5
    filters = torch.stack([torch.outer(a, b) for a in (low, high) for b in (low, high)])[:, None]
    approximation, details = images.flatten(0, 1)[:, None], []
    for _ in range(levels):
        bands = F.conv2d(approximation, filters, stride=2)
        approximation, detail = bands[:, :1], bands[:, 1:]
        details.append(detail)
    for kept in ((0, 0, 0), (1, 0, 0), (1, 1, 0)):
        mask, image = torch.tensor(kept).view(1, 3, 1, 1), approximation
        for detail in reversed(details):
            image = F.conv_transpose2d(torch.cat([image, mask * detail], 1), filters, stride=2)


def main() -> None:
    """Time the four in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=256, help='side of the images in pixels')
    parser.add_argument('--batch', type=int, default=8, help='images in a batch')
    parser.add_argument('--runs', type=int, default=9, help='timed runs of each, interleaved')
    args = parser.parse_args()
    keep_freed_memory()  # as a training does
    images = torch.rand(args.batch, 3, args.size, args.size) * 2 - 1
    closed, generic = FrequencyNegatives(), FrequencyNegatives()
    generic._haar = generic._any
    ways: dict[str, Callable] = {
        'closed form': lambda: closed(images),
        'transform': lambda: generic(images),
        'convolutions': lambda: convolutions(images, 5),
        'PyWavelets': lambda: pywavelets_loop(images.numpy(), 5),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(args.runs + 1):  # the first warms up
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if run:
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f'{args.batch} images of {args.size}, 5 levels, {torch.get_num_threads()} threads')
    for name, seconds in medians.items():
        ratio = seconds / medians['closed form']
        print(f'{name:13s} {1000 * seconds:8.1f} ms   {ratio:5.1f} x the closed form')


if __name__ == '__main__':
    main()
