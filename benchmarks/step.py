#!/usr/bin/env python
"""Time the training step of FNContra against that of its baseline.

python benchmarks/step.py --size 256 --batch 4 --runs 5
"""

import argparse
import json
import platform
import statistics
import time

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmfncontra.models.gans
from mmfncontra.engine import MultiOptimWrapperConstructor
from mmfncontra.registry import MODELS

assert mmfncontra.models.gans  # registers the model


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=256, help='side of the images in pixels')
    parser.add_argument('--batch', type=int, default=4, help='images in a batch')
    parser.add_argument('--runs', type=int, default=5, help='timed steps of each, interleaved')
    parser.add_argument('--device', default='cpu', help="'cpu' or 'cuda'")
    parser.add_argument('--json', action='store_true', help='end with one line of JSON')
    return parser.parse_args()


class Step:
    """The training step of one config on random images."""

    def __init__(self, config: str, batch: int, device: str) -> None:
        cfg = Config.fromfile(config)
        self.model = MODELS.build(cfg.model).to(device).train()
        optimisers = {k: v for k, v in cfg.optim_wrapper.items() if k != 'constructor'}
        self.optimisers = MultiOptimWrapperConstructor(optimisers)(self.model)
        size = cfg.model.generator.out_size
        self.data = dict(
            inputs=[torch.randint(0, 256, (3, size, size), dtype=torch.uint8) for _ in range(batch)]
        )
        self.device = device

    def time(self) -> float:
        """Seconds that one step takes."""
        start = time.perf_counter()
        self.model.train_step(self.data, self.optimisers)
        if self.device == 'cuda':
            torch.cuda.synchronize()
        return time.perf_counter() - start


def main() -> None:
    """Time the steps in turn and print medians and their ratio."""
    args = parse_args()
    init_default_scope('mmfncontra')
    name = f'fastgan-offline_{args.size}.py'
    steps = {
        folder: Step(f'configs/{folder}/{name}', args.batch, args.device)
        for folder in ('fastgan', 'fncontra')
    }
    times: dict[str, list[float]] = {folder: [] for folder in steps}
    for run in range(args.runs + 2):  # the first two warm up
        for folder, step in steps.items():
            seconds = step.time()
            if run >= 2:
                times[folder].append(seconds)
    medians = {folder: statistics.median(values) for folder, values in times.items()}
    ratio = medians['fncontra'] / medians['fastgan']
    print(f'{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads')
    print(f'torch {torch.__version__}, {name}, batch {args.batch}, {args.runs} runs, {args.device}')
    for folder, values in times.items():
        print(
            f'{folder:10s} median {medians[folder]:.3f} s '
            f'(min {min(values):.3f}, max {max(values):.3f})'
        )
    print(f'fncontra / fastgan {ratio:.3f}')
    if args.json:
        print(json.dumps(dict(seconds=medians, fncontra_over_baseline=ratio)))


if __name__ == '__main__':
    main()
