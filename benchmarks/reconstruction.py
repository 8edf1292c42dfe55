#!/usr/bin/env python
"""Time a training step of FastGAN under each reconstruction loss, in one process, in turn.

python benchmarks/reconstruction.py --size 64 --batch 8 --runs 7

VGG16 of LPIPS has random weights here, for which a step takes as long as for the published ones.
"""

import argparse
import json
import os
import platform
import statistics
import sys

import torch
from training_step import ROOT, Step, giga_flops, interleaved, use_the_machine

# By name; the last is what the others are compared with.
LOSSES = {
    'LPIPS, VGG': dict(type='LPIPSReconstructionLoss'),
    'ST-LPIPS, VGG': dict(type='LPIPSReconstructionLoss', variant='shift_tolerant', trunk='vgg'),
    'ST-LPIPS, Alex': dict(type='LPIPSReconstructionLoss', variant='shift_tolerant', trunk='alex'),
    'wavelet L1': dict(type='WaveletL1Loss'),
}


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=64, help='side of the images in pixels')
    parser.add_argument('--batch', type=int, default=8, help='images in a batch')
    parser.add_argument('--runs', type=int, default=7, help='timed steps of each, interleaved')
    parser.add_argument(
        '--device', default='cpu', help="'cpu', 'cuda', or 'meta' to count operations only"
    )
    parser.add_argument('--amp', action='store_true', help='autocast to bfloat16')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change the config'
    )
    parser.add_argument('--json', action='store_true', help='end with one line of JSON')
    return parser.parse_args()


def steps_of(args: argparse.Namespace) -> dict[str, Step]:
    """A step of FastGAN for each of :data:`LOSSES`."""
    from mmengine.config import DictAction

    options = (option.partition('=')[::2] for option in args.cfg_options)
    changes = {key: DictAction._parse_iterable(value) for key, value in options}
    return {
        name: Step(
            f'configs/fastgan/fastgan_{args.size}.py',
            args.batch,
            args.device,
            args.amp,
            {'model.disc_auxiliary_losses.rec': dict(loss, _delete_=True), **changes},
        )
        for name, loss in LOSSES.items()
    }


def main() -> None:
    """Time the steps and print medians, ranges, ratios and arithmetic, as a table in Markdown."""
    args = parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    use_the_machine()
    steps = steps_of(args)
    work = {name: giga_flops(step) for name, step in steps.items()}
    computed = args.device != 'meta'
    # Each has run once, to be counted.
    times = interleaved(steps, args.runs, args.device, warm_up=1) if computed else {}
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(
        f'{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
        f'{args.device}, {"bfloat16" if args.amp else "float32"}'
    )
    print(f'{args.size} px, batch {args.batch}, {args.runs} runs of each, interleaved; medians\n')
    print('| reconstruction loss | GFLOP | seconds | against wavelet L1 |\n|---|---|---|---|')
    for name in steps:
        taken = ratio = ''
        if computed:
            low, high = min(times[name]), max(times[name])
            taken = f'{medians[name]:.3f} ({low:.3f} to {high:.3f})'
            ratio = f'{medians[name] / medians["wavelet L1"]:.2f}'
        print(f'| {name} | {work[name]:.1f} | {taken} | {ratio} |')
    if args.json:
        print(json.dumps(dict(seconds=medians, gflop=work)))


if __name__ == '__main__':
    main()
