#!/usr/bin/env python
"""Train EDSR, SRGAN and ESRGAN of mmagic, plain and with contrast, and write the table.

python projects/pcl_sr/run.py
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

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.launch.command import run_command
from mmfncontra.utils.checks import check_writable
from projects.jobs import add_jobs_option, run_jobs
from projects.pcl_sr.pairs import draw_shells, split_photographs, write_pairs
from projects.pcl_sr.report import NAMES, update_readme, write_findings, write_table
from projects.photographs import find_data

if TYPE_CHECKING:
    from mmengine.config import Config

HERE = Path(__file__).resolve().parent


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train EDSR, SRGAN and ESRGAN, plain and with contrast, and write the table.'
    )
    images = parser.add_mutually_exclusive_group()
    images.add_argument('--data', metavar='FOLDER', help='holds the folders shoes and hats')
    images.add_argument(
        '--drawn',
        action='store_true',
        help='drawn shells instead, for the picture alone: no table is written',
    )
    parser.add_argument(
        '--seeds', type=int, nargs='+', metavar='N', help='default: 0 1 2; with --drawn 0'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=HERE,
        metavar='FOLDER',
        help='README.md, where the table goes between its markers, and comparison.png; default '
        "the project's, but for a picture of photographs, which stays in --work-dir",
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/pcl_sr'), metavar='FOLDER', help='logs'
    )
    add_jobs_option(parser)
    parser.add_argument(
        '--quick', action='store_true', help='two iterations and two test images, to try it out'
    )
    args = parser.parse_args(argv)
    if args.quick and args.out == HERE:
        parser.error("--quick needs --out: its numbers are not for the project's README.md")
    args.seeds = args.seeds or ([0] if args.drawn else [0, 1, 2])
    try:
        if not args.drawn:
            args.splits = split_photographs(find_data(args.data), held_out=2 if args.quick else 30)
    except ValueError as error:
        parser.error(str(error))
    return args


def list_configs(args: argparse.Namespace, pairs: Path) -> dict[tuple[str, int], Config]:
    """Configs of all trainings by their name and seed; bicubic interpolation is the first of them.

    Args:
        args: The command line.
        pairs: Folder of the pairs of images.
    """
    from projects.pcl_sr.training import load_config

    jobs = [('bicubic', args.seeds[0])]
    jobs += [
        (f'{name}{variant}', seed)
        for name in NAMES
        for variant in ('', '_contrast')
        for seed in args.seeds
    ]
    return {
        (name, seed): load_config(
            name,
            pairs,
            args.work_dir / f'{name}_{seed}',
            seed,
            max_iters=2 if args.quick else None,
            options={'log_level': 'ERROR'},
        )
        for name, seed in jobs
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Run everything."""
    args = parse_args(argv)
    start = time.perf_counter()
    check_writable(args.out, '--out', is_folder=True)
    prepare_mmagic()
    # Imported now: a mistake is answered before torch is there.
    import mmcv
    from tqdm import tqdm

    from projects.pcl_sr.picture import write_picture
    from projects.pcl_sr.training import train_and_test

    if args.drawn:
        args.splits = draw_shells(args.work_dir / 'drawn', *((4, 2) if args.quick else (120, 30)))
    pairs = write_pairs(args.splits, args.work_dir / 'pairs')
    shown = args.splits['test'][len(args.splits['test']) // 2].stem
    configs = list_configs(args, pairs)
    found = {}
    with tqdm(total=len(configs), unit='network', smoothing=0) as bar:
        jobs = {job: (cfg, [shown]) for job, cfg in configs.items()}
        for (name, seed), result in run_jobs(train_and_test, jobs, args.jobs):
            found[name, seed] = result
            bar.write(f'{name}, seed {seed}: {result.psnr:.2f} dB')
            bar.update()
    results: dict[str, list] = {}
    for job in configs:
        results.setdefault(job[0], []).append(found[job])
    images = {name: some[0].images[shown] for name, some in results.items()}
    images['truth'] = mmcv.imread(pairs / 'test/gt' / f'{shown}.bmp', channel_order='rgb')
    psnr, ssim, detail, seconds = (
        {name: [getattr(result, key) for result in some] for name, some in results.items()}
        for key in ('psnr', 'ssim', 'detail', 'seconds')
    )
    # Photographs are not ours to hand on.
    folder = args.out if args.drawn or args.out != HERE else args.work_dir
    write_picture(images, folder / 'comparison.png')
    print(f'{shown}, restored with seed {args.seeds[0]}: {folder / "comparison.png"}')
    if args.drawn:
        return
    minutes = (time.perf_counter() - start) / 60
    block = '\n\n'.join(
        (
            write_table(psnr, ssim, detail, seconds),
            f'Mean ± standard deviation over {len(args.seeds)} seeds; a gain is taken seed by '
            "seed. Detail is that of the finest Haar sub-bands, 1 being the ground truth's. "
            f'{len(configs) - 1} trainings and their tests took {minutes:.1f} minutes on '
            f'{os.cpu_count()} CPU cores, {min(args.jobs, len(configs))} at a time with a thread '
            'each; seconds are those of one of them.',
            write_findings(psnr, ssim),
        )
    )
    update_readme(args.out / 'README.md', block)
    print(f'{block}\n\nwritten to {args.out}')


if __name__ == '__main__':
    run_command(main)
