#!/usr/bin/env python
"""Time the generation of images in batches against one by one, and an evaluation as a whole.

python benchmarks/sampling.py --size 256 --num 64 --device cuda
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from mmfncontra.evaluation.metrics import FeatureMetrics
from mmfncontra.models.archs import FastGANGenerator
from mmfncontra.models.network_facts import evaluating
from mmfncontra.models.sampling import ImageRenderer, calibrate_batchnorm, iterate_pixels, to_uint8
from mmfncontra.utils.rng import isolated_rng


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=256, help='side of the images in pixels')
    parser.add_argument('--num', type=int, default=16, help='images of a timed generation')
    parser.add_argument('--evaluate', type=int, default=0, help='images of an evaluation; 0: none')
    parser.add_argument('--real', type=int, default=100, help='real images of the evaluation')
    parser.add_argument('--base-channels', type=int, default=64, help='width of the generator')
    parser.add_argument('--batch', type=int, help='images at once; default: as many as fit')
    parser.add_argument('--runs', type=int, default=5, help='timed runs of each, interleaved')
    parser.add_argument('--device', default='cpu', help="'cpu' or 'cuda'")
    parser.add_argument('--json', action='store_true', help='end with one line of JSON')
    return parser.parse_args()


def random_inception(folder: Path) -> Path:
    """Write a file in the format of Inception's weights, with seeded random values."""
    with (
        mock.patch.object(torch, 'load', lambda *_, **__: {}),
        mock.patch.object(FeatureExtractorInceptionV3, 'load_state_dict', lambda *_: None),
    ):
        network = FeatureExtractorInceptionV3('inception-v3-compat', ['2048'], 'none')
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=(2 / module.weight[0].numel()) ** 0.5)
    path = folder / 'inception.pth'
    torch.save(network.state_dict(), path)
    return path


@torch.no_grad()
def one_by_one(generator: nn.Module, num: int, device: torch.device) -> None:
    """A forward pass, and a copy to the host, for each image."""
    render = ImageRenderer(generator, device)
    render.one_by_one = True
    noise = torch.randn(num, generator.noise_size, device=device)
    with evaluating(generator), isolated_rng(0, device):
        for i in range(num):
            to_uint8(render(noise[i : i + 1], [i], {})).cpu()


def evaluation(
    generator: nn.Module, weights: Path, num: int, real: np.ndarray, batch: int | None
) -> None:
    """FID, KID, precision and recall of generated images; the real ones' features are not kept."""
    metric = FeatureMetrics(
        ('fid', 'kid', 'precision_recall'), num, weights=weights, cache_dir=None
    )
    metric.to(next(generator.parameters()).device)
    metric.prepare_real(list(real))
    for images, _ in iterate_pixels(generator, num, batch_size=batch):
        metric.process(dict(images=images))
    metric.evaluate()


def timed(function: Callable, device: torch.device) -> float:
    """Seconds that a call takes, with what it leaves to a GPU."""
    start = time.perf_counter()
    function()
    if device.type == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Time both ways in turn, and print medians, images per second and the ratio."""
    args = parse_args()
    device = torch.device(args.device)
    generator = FastGANGenerator(args.size, args.base_channels).to(device)
    calibrate_batchnorm(generator, num_batches=2)
    ways = {
        'one by one': lambda: one_by_one(generator, args.num, device),
        'in batches': lambda: list(
            iterate_pixels(generator, args.num, batch_size=args.batch, num_arrays=args.num)
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(args.runs + 1):  # the first warms up
        for name, way in ways.items():
            seconds = timed(way, device)
            if run:
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f'torch {torch.__version__}, {args.device}, {torch.get_num_threads()} threads')
    print(f'FastGAN of {args.size} px, {args.num} images, {args.runs} runs')
    for name, values in times.items():
        print(
            f'{name} median {medians[name]:.3f} s ({min(values):.3f} to {max(values):.3f}), '
            f'{args.num / medians[name]:.1f} images/s'
        )
    ratio = medians['one by one'] / medians['in batches']
    print(f'one by one / in batches {ratio:.2f}')
    found = dict(seconds=medians, one_by_one_over_batches=ratio)
    if args.evaluate:
        real = np.random.default_rng(0).integers(
            256, size=(args.real, args.size, args.size, 3), dtype=np.uint8
        )
        with tempfile.TemporaryDirectory() as folder:
            weights = random_inception(Path(folder))
            seconds = timed(
                lambda: evaluation(generator, weights, args.evaluate, real, args.batch), device
            )
        print(
            f'{args.evaluate} images, FID, KID, precision and recall against {args.real}: '
            f'{seconds:.1f} s, {args.evaluate / seconds:.1f} images/s'
        )
        found['evaluation_seconds'] = seconds
    if args.json:
        print(json.dumps(found))


if __name__ == '__main__':
    main()
