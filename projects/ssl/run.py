#!/usr/bin/env python
"""Train all configs of this project with several seeds and write the table of its README.

python projects/ssl/run.py
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmfncontra.utils import note, prepare_mmpretrain, run_command

if TYPE_CHECKING:
    from mmengine.config import Config
    from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
DATA_SETS = {'digits': 'Digits', 'hats_shoes': 'Hats against shoes'}
METHODS = {'simclr': 'SimCLR', 'mocov2': 'MoCo v2'}
VARIANTS = {
    '': 'plain',
    '-masking-mixing': 'masking + feature mixing',
    '-sscl': 'SSCL',
    '-dcl': 'DCL',
}
# A look at whether everything runs: a step each, on some images of all classes.
QUICK = {
    'train_cfg.max_epochs': 1,
    'train_dataloader.batch_size': 32,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
}
QUICK_IMAGES = range(0, 297, 9), range(0, 297, 9), range(0, 149, 5)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    shared = os.environ.get('MMFNCONTRA_SHARED', ROOT.parent / 'shared')
    parser = argparse.ArgumentParser(
        description='Train SimCLR and MoCo v2, plain and with components of mmfncontra, and probe '
        'their backbones.'
    )
    parser.add_argument(
        '--data',
        type=Path,
        default=Path(shared, 'data'),
        metavar='FOLDER',
        help='folder that holds hats/ and shoes/; where it is absent, digits alone are trained on '
        '(default: %(default)s)',
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], metavar='N')
    parser.add_argument(
        '--methods', nargs='+', choices=METHODS, default=list(METHODS), metavar='METHOD'
    )
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='Markdown file; default: the README beside this'
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/ssl'), metavar='FOLDER')
    parser.add_argument(
        '--quick', action='store_true', help='one step each, to see that it runs; needs --out'
    )
    args = parser.parse_args(argv)
    if args.quick and args.out is None:
        parser.error('--quick needs --out: its numbers mean nothing and do not go to the README')
    return args


def prepare_config(args: argparse.Namespace, name: str, seed: int) -> Config:
    """The config of one training.

    Args:
        args: The command line.
        name: Name of the config, without its suffix.
        seed: Seed of the training.
    """
    from projects.ssl.training import CONFIGS, datasets, load_config

    options = {
        'log_level': 'ERROR',
        'default_hooks.checkpoint': None,
        'visualizer.vis_backends': [],
        # mmengine tells trainings apart by the second in which they start.
        'experiment_name': f'{name}_{seed}_{time.time_ns()}',
        **(QUICK if args.quick else {}),
    }
    cfg = load_config(CONFIGS / f'{name}.py', args.work_dir / name, seed, args.data, options)
    if args.quick:
        for dataset, indices in zip(datasets(cfg), QUICK_IMAGES, strict=True):
            dataset.indices = list(indices)
    return cfg


def train_all(args: argparse.Namespace, data_set: str, bar: tqdm) -> dict:
    """Probe accuracies on one data set, see :data:`projects.ssl.results.Accuracies`.

    Args:
        args: The command line.
        data_set: Its name in the names of configs.
        bar: Advanced by one for each training.
    """
    from projects.ssl.training import probe_untrained, train

    plain = f'{args.methods[0]}_{data_set}'
    bar.set_description(f'random weights, {data_set}')
    untrained = [probe_untrained(prepare_config(args, plain, seed)) for seed in args.seeds]
    accuracies = {('', ''): untrained}
    for method in args.methods:
        for suffix, variant in VARIANTS.items():
            name = f'{method}{suffix}_{data_set}'
            values = accuracies[METHODS[method], variant] = []
            for seed in args.seeds:
                bar.set_description(f'{name}, seed {seed}')
                values.append(train(prepare_config(args, name, seed)))
                bar.write(f'{name}, seed {seed}: {100 * values[-1]:.1f} %')
                bar.update()
    return accuracies


def main(argv: Sequence[str] | None = None) -> None:
    """Train, probe and write as the command line says."""
    args = parse_args(argv)
    prepare_mmpretrain()
    # Imported after parsing: --help answers at once.
    import torch
    from tqdm import tqdm

    from projects.ssl.results import format_table, write_results
    from projects.ssl.training import num_test_images

    start = time.monotonic()
    # One core is left to the process that loads images: more threads wait for each other.
    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1)))
    data_sets, absent = dict(DATA_SETS), []
    if not all((args.data / name).is_dir() for name in ('hats', 'shoes')):
        del data_sets['hats_shoes']
        absent = [f'Hats against shoes was left out: {args.data} does not hold hats/ and shoes/.']
        note(absent[0])
    sections = []
    trainings = len(data_sets) * len(args.methods) * len(VARIANTS) * len(args.seeds)
    with tqdm(total=trainings, unit='training', smoothing=0) as bar:
        for data_set, title in data_sets.items():
            accuracies = train_all(args, data_set, bar)
            some = prepare_config(args, f'{args.methods[0]}_{data_set}', args.seeds[0])
            table = format_table(accuracies, num_test_images(some))
            sections.append(f'### {title}\n\n{table}')
    minutes = (time.monotonic() - start) / 60
    sections.append(
        f'{trainings} trainings and their probes took {minutes:.1f} minutes on '
        f'{os.cpu_count()} CPU cores (threads: {torch.get_num_threads()}).'
    )
    out = args.out or Path(__file__).with_name('README.md')
    write_results(out, '\n\n'.join(sections + absent))
    note(f'done: {out}')


if __name__ == '__main__':
    run_command(main)
