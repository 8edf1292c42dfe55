#!/usr/bin/env python
"""Train all configs of this project with several seeds and write the table of its README.

python projects/ssl/run.py
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmfncontra.compat.prepare_mmpretrain import prepare_mmpretrain
from mmfncontra.launch.command import run_command
from mmfncontra.utils.console import note
from projects.jobs import add_jobs_option, run_jobs
from projects.photographs import default_data, find_data

if TYPE_CHECKING:
    from mmengine.config import Config

DATA_SETS = {'digits': 'Digits', 'hats_shoes': 'Hats against shoes'}
METHODS = {'simclr': 'SimCLR', 'mocov2': 'MoCo v2'}
VARIANTS = {
    '': 'plain',
    '-masking-mixing': 'masking + feature mixing',
    '-sscl': 'SSCL',
    '-dcl': 'DCL',
}
Job = tuple[str, str, str, int]
"""Data set, method, variant and seed; without method and variant: of random weights."""

# A look at whether everything runs: a step each, on some images of all classes.
QUICK = {
    'train_cfg.max_epochs': 1,
    'train_dataloader.batch_size': 32,
}
QUICK_IMAGES = range(0, 297, 9), range(0, 297, 9), range(0, 149, 5)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train SimCLR and MoCo v2, plain and with components of mmfncontra, and probe '
        'their backbones.'
    )
    parser.add_argument(
        '--data',
        type=Path,
        metavar='FOLDER',
        help='folder that holds hats/ and shoes/; where the default is absent, digits alone are '
        f'trained on (default: {default_data()})',
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], metavar='N')
    parser.add_argument(
        '--methods', nargs='+', choices=METHODS, default=list(METHODS), metavar='METHOD'
    )
    add_jobs_option(parser)
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
        # Cores are busy with other trainings.
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        **(QUICK if args.quick else {}),
    }
    folder, data = args.work_dir / f'{name}_{seed}', args.data or default_data()
    cfg = load_config(CONFIGS / f'{name}.py', folder, seed, data, options)
    if args.quick:
        for dataset, indices in zip(datasets(cfg), QUICK_IMAGES, strict=True):
            dataset.indices = list(indices)
    return cfg


def list_jobs(args: argparse.Namespace, data_sets: Iterable[str]) -> dict[Job, tuple[Config, bool]]:
    """All trainings, and the networks with random weights to compare them with.

    Args:
        args: The command line.
        data_sets: Their names in the names of configs.

    Returns:
        Arguments of :func:`projects.ssl.training.measure`.
    """
    jobs = {}
    for data_set in data_sets:
        plain = f'{args.methods[0]}_{data_set}'
        for seed in args.seeds:
            config = prepare_config(args, plain, seed)
            config.work_dir += '_untrained'
            jobs[data_set, '', '', seed] = config, False
        for method in args.methods:
            for suffix, variant in VARIANTS.items():
                for seed in args.seeds:
                    config = prepare_config(args, f'{method}{suffix}_{data_set}', seed)
                    jobs[data_set, METHODS[method], variant, seed] = config, True
    return jobs


def main(argv: Sequence[str] | None = None) -> None:
    """Train, probe and write as the command line says."""
    args = parse_args(argv)
    prepare_mmpretrain()
    # Imported after parsing: --help answers at once.
    from tqdm import tqdm

    from projects.ssl.results import format_table, split_at_results, write_results
    from projects.ssl.training import measure, num_test_images

    start = time.monotonic()
    out = args.out or Path(__file__).with_name('README.md')
    split_at_results(out)  # a mistake is answered before anything is trained
    data_sets, absent = dict(DATA_SETS), []
    try:
        find_data(args.data)
    except ValueError as error:
        if args.data is not None:
            raise
        del data_sets['hats_shoes']
        absent = [f'Hats against shoes was left out: {error}.']
        note(absent[0])
    jobs = list_jobs(args, data_sets)
    found = {}
    with tqdm(total=len(jobs), unit='network', smoothing=0) as bar:
        for job, accuracy in run_jobs(measure, jobs, args.jobs):
            found[job] = accuracy
            data_set, method, variant, seed = job
            name = f'{method} {variant}' if method else 'random weights'
            bar.write(f'{data_set}, {name}, seed {seed}: {100 * accuracy:.1f} %')
            bar.update()
    sections = []
    for data_set, title in data_sets.items():
        accuracies: dict[tuple[str, str], list[float]] = {}
        for job in jobs:
            if job[0] == data_set:
                accuracies.setdefault(job[1:3], []).append(found[job])
        some = prepare_config(args, f'{args.methods[0]}_{data_set}', args.seeds[0])
        table = format_table(accuracies, num_test_images(some))
        sections.append(f'### {title}\n\n{table}')
    minutes = (time.monotonic() - start) / 60
    trainings = sum(is_trained for _, is_trained in jobs.values())
    sections.append(
        f'{trainings} trainings and their probes took {minutes:.1f} minutes on '
        f'{os.cpu_count()} CPU cores, {min(args.jobs, len(jobs))} at a time.'
    )
    write_results(out, '\n\n'.join(sections + absent))
    note(f'done: {out}')


if __name__ == '__main__':
    run_command(main)
