#!/usr/bin/env python
"""Train variants with several seeds and compare them in a table.

python tools/ablate.py baseline=configs/fastgan/fastgan-offline_64.py \
    fncontra=configs/fncontra/fastgan-offline_64.py --variant 'no GWCL: model.contrast.gwcl=None' \
    --data FOLDER --seeds 0 1 2 --work-dir ablations/mine
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.compat.versions import check_versions
from mmfncontra.launch.command import run_command
from mmfncontra.utils.console import note


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train every variant with every seed, one after another, and write table.md, '
        'table.csv and table.tex. The same command goes on after an interruption.'
    )
    parser.add_argument(
        'configs',
        nargs='*',
        metavar='[NAME=]CONFIG',
        help='a variant each, the first one the baseline; named after the file or, where files '
        'have the same name, the folder',
    )
    parser.add_argument(
        '--variant',
        action='append',
        default=[],
        metavar="'NAME: [CONFIG] KEY=VALUE ...'",
        help='a config with changes, by default of the last CONFIG; may come several times',
    )
    parser.add_argument(
        '--variants', metavar='FILE', help='YAML or JSON list of name, config and options'
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], metavar='N')
    parser.add_argument('--work-dir', type=Path, required=True, metavar='FOLDER')
    parser.add_argument('--data', metavar='FOLDER', help='folder or zip of training images')
    parser.add_argument('--size', metavar='N', help='side of images and networks')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        action='extend',
        metavar='KEY=VALUE',
        help='change all variants, such as train_cfg.max_iters=1000',
    )
    parser.add_argument('--amp', action='store_true', help='train in bfloat16')
    parser.add_argument('--baseline', metavar='NAME', help='default: the first variant')
    parser.add_argument(
        '--metrics',
        nargs='+',
        metavar='NAME',
        help="columns, such as swd 'subband_*'; default: what has a better and a worse, but for "
        'sub-bands',
    )
    parser.add_argument(
        '--cards',
        choices=('last', 'best'),
        default='last',
        help="values at the end of each run, or each metric's best",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument('--plan', action='store_true', help='list the runs, start none')
    action.add_argument('--table-only', action='store_true', help='only compare what is there')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train and compare as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis.ablation.results import write_tables
    from mmfncontra.apis.ablation.trainings import check_runs, plan_runs, run_trainings
    from mmfncontra.apis.ablation.variants import name_configs, parse_variant, read_variants

    variants = name_configs(args.configs)
    base = variants[-1].config if variants else None
    variants += [parse_variant(text, base) for text in args.variant]
    variants += read_variants(args.variants, base) if args.variants else []
    shared = dict(data=args.data, size=args.size, options=args.cfg_options, amp=args.amp)
    runs = plan_runs(variants, args.work_dir, args.seeds, baseline=args.baseline, **shared)
    failures = {}
    if not args.table_only:
        records = check_runs(runs, **shared)
        if args.plan:
            for run in runs:
                note(f'{run.state:8} {run.name}: {run.variant.describe()}')
            return
        failures = run_trainings(records, args.work_dir)
    table = write_tables(runs, args.work_dir, args.baseline, args.metrics, args.cards)
    note(f'\n{table.to_markdown()}\ntables in {args.work_dir}: table.md, table.csv, table.tex')
    if failures:
        note(f'{len(failures)} of {len(runs)} runs failed: {"; ".join(failures)}')
        raise SystemExit(1)


if __name__ == '__main__':
    run_command(main)
