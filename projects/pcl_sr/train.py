#!/usr/bin/env python
"""Train one config of this project and test it.

python projects/pcl_sr/train.py projects/pcl_sr/configs/edsr_contrast.py
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmfncontra.launch.command import run_command
from projects.pcl_sr.pairs import split_photographs, write_pairs
from projects.photographs import find_data


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description='Train one config of this project and test it.')
    parser.add_argument('config', metavar='CONFIG', help='a file of projects/pcl_sr/configs/')
    parser.add_argument('--data', metavar='FOLDER', help='holds the folders shoes and hats')
    parser.add_argument('--work-dir', metavar='FOLDER', help='default work_dirs/pcl_sr/<config>')
    parser.add_argument(
        '--split',
        choices=['test', 'val'],
        default='test',
        help='tested on: hats, or held-out shoes',
    )
    parser.add_argument('--seed', type=int, default=0, metavar='N')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], action='extend', metavar='KEY=VALUE'
    )
    args = parser.parse_args(argv)
    try:
        splits = split_photographs(find_data(args.data))
    except ValueError as error:
        parser.error(str(error))
    if not Path(args.config).is_file():
        parser.error(f'CONFIG must be a file, got {args.config}')

    # Imported now: a mistake is answered before torch is there.
    from mmfncontra.apis import parse_options
    from projects.pcl_sr.training import load_config, train_and_test

    work_dir = Path(args.work_dir or Path('work_dirs/pcl_sr') / Path(args.config).stem)
    pairs = write_pairs(splits, work_dir / 'pairs')
    options = parse_options(args.cfg_options)
    cfg = load_config(args.config, pairs, work_dir, args.seed, options=options)
    result = train_and_test(cfg, split=args.split)
    print(f'PSNR {result.psnr:.2f} dB, SSIM {result.ssim:.4f}, {result.seconds:.0f} s')


if __name__ == '__main__':
    run_command(main)
