#!/usr/bin/env python
"""Train one config of this project and probe what it has learned.

python projects/ssl/train.py projects/ssl/configs/simclr-dcl_digits.py
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmfncontra.commands.arguments import add_cfg_options
from mmfncontra.compat.prepare_mmpretrain import prepare_mmpretrain
from mmfncontra.launch.command import run_command
from mmfncontra.utils.console import note


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train a self-supervised model and probe its backbone.'
    )
    parser.add_argument('config', metavar='CONFIG', help='a file of projects/ssl/configs/')
    parser.add_argument('--data', metavar='FOLDER', help='folder that holds hats/ and shoes/')
    parser.add_argument(
        '--work-dir',
        metavar='FOLDER',
        help='logs and the checkpoint; default work_dirs/ssl/ and the name of the config',
    )
    parser.add_argument('--seed', type=int, metavar='N', help='seed of the training')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch'],
        default='none',
        help='pytorch: one of the processes that torchrun starts',
    )
    add_cfg_options(parser, 'change the config, such as train_cfg.max_epochs=20')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    args = parse_args(argv)
    prepare_mmpretrain()
    # Imported after parsing: --help answers at once.
    from mmengine.device import get_device
    from mmengine.dist import is_main_process

    from mmfncontra.apis import parse_options
    from mmfncontra.config.load import check_config_file
    from mmfncontra.launch.cpu_distributed import init_cpu_distributed, use_cpu_model_wrapper
    from projects.photographs import default_data
    from projects.ssl.training import load_config, train

    config = check_config_file(args.config)
    work_dir = args.work_dir or Path('work_dirs', 'ssl', config.stem)
    options = parse_options(args.cfg_options)
    cfg = load_config(config, work_dir, args.seed, args.data or default_data(), options)
    cfg.launcher = args.launcher
    if args.launcher != 'none':
        init_cpu_distributed(args.launcher)
        cfg.setdefault('model_wrapper_cfg', dict(type='MMDistributedDataParallel'))
        if get_device() != 'cpu':
            # Statistics of a process's own images would tell which belong together.
            cfg.setdefault('sync_bn', 'torch')
        use_cpu_model_wrapper(cfg)
    accuracy = train(cfg)
    if is_main_process():
        note(f'done: {work_dir}, linear probe {100 * accuracy:.1f} %')


if __name__ == '__main__':
    run_command(main)
