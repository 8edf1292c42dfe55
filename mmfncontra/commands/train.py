"""Train a generator.

mmfncontra train CONFIG --data FOLDER
"""

import argparse
import os
from collections.abc import Sequence
from typing import NoReturn

from mmfncontra.compat.versions import check_versions
from mmfncontra.launch.command import run_command
from mmfncontra.launch.contract import LAUNCHERS
from mmfncontra.launch.early_signals import leave_when_told
from mmfncontra.launch.parent_death import leave_with_parent

from .arguments import add_cfg_options


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train a generator on the images that a config or --data names.'
    )
    parser.add_argument('config', metavar='CONFIG', help='config file, such as those in configs/')
    parser.add_argument('--data', metavar='FOLDER', help='folder or zip of training images')
    parser.add_argument(
        '--size',
        metavar='N',
        help="side in pixels of the images and of both networks; default: the config's",
    )
    parser.add_argument(
        '--work-dir',
        metavar='FOLDER',
        help='logs and checkpoints; default work_dirs/ and the path of the config below configs/, '
        'such as work_dirs/fncontra/fastgan_demo (a config elsewhere: its name; with --size 64 '
        'fastgan_demo_64)',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or from the newest one in the work dir',
    )
    parser.add_argument('--amp', action='store_true', help='train in bfloat16')
    parser.add_argument('--seed', type=int, metavar='N', help='seed of the training')
    add_cfg_options(parser, 'change the config, such as train_cfg.max_iters=1000')
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    args = parse_args(argv)
    # At once: a rank that waits for a launcher that is gone would wait for long.
    leave_with_parent(args.launcher)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis import parse_options, prepare_config, run_training
    from mmfncontra.config.load import check_config_file
    from mmfncontra.config.options import check_data_folder
    from mmfncontra.config.size import read_size

    # Before torch is imported, which takes seconds.
    check_config_file(args.config)
    if args.size is not None:
        read_size(args.size)
    if args.data is not None:
        check_data_folder(args.data)
    cfg = prepare_config(
        args.config,
        work_dir=args.work_dir,
        resume=args.resume,
        amp=args.amp,
        cfg_options=parse_options(args.cfg_options),
        launcher=args.launcher,
        data=args.data,
        size=args.size,
        seed=args.seed,
    )
    run_training(cfg)


def run() -> NoReturn:
    """Run the command as this process, which leaves when it is told to from the first moment."""
    leave_when_told()
    run_command(main)
