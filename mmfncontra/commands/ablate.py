"""Train variants with several seeds and compare them in a table.

mmfncontra ablate baseline=configs/fastgan/fastgan-offline_64.py \
    fncontra=configs/fncontra/fastgan-offline_64.py --variant 'no GWCL: model.contrast.gwcl=None' \
    --data FOLDER --seeds 0 1 2 --work-dir ablations/mine
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.console import note, shown_name

from .arguments import add_cfg_options

if TYPE_CHECKING:
    from mmfncontra.apis.ablation.run import AblationRun


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train every variant with every seed, and write table.md, table.csv, '
        'table.tex and a page, study.html. The same command goes on after an interruption.'
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
    parser.add_argument('--only', nargs='+', metavar='NAME', help='some of the variants')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], metavar='N')
    parser.add_argument('--work-dir', type=Path, required=True, metavar='FOLDER')
    parser.add_argument('--data', metavar='FOLDER', help='folder or zip of training images')
    parser.add_argument('--size', metavar='N', help='side of images and networks')
    add_cfg_options(parser, 'change all variants, such as train_cfg.max_iters=1000')
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
    parser.add_argument(
        '--export',
        type=Path,
        metavar='FILE.json',
        help='write all values of the finished runs, for compare-results',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        metavar='N',
        help='trainings at once, each with its share of the cores, or a GPU; default 1, and with '
        '--slurm as many as it lets run',
    )
    parser.add_argument(
        '--slurm',
        nargs='+',
        action='extend',
        metavar='KEY=VALUE',
        help='submit an array job, a training each, and leave; options of submitit, such as '
        'partition=gpu timeout_min=600 gpus_per_node=1 cpus_per_task=8',
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
    from mmfncontra.apis.ablation.trainings import check_runs, plan_runs, run_trainings
    from mmfncontra.apis.ablation.variants import (
        choose_variants,
        name_configs,
        parse_variant,
        read_variants,
    )
    from mmfncontra.utils.checks import check_integers, check_writable

    if args.jobs is not None:
        check_integers(jobs=args.jobs)
    if args.export:
        args.export = check_writable(args.export, '--export')
    variants = name_configs(args.configs)
    base = variants[-1].config if variants else None
    variants += [parse_variant(text, base) for text in args.variant]
    variants += read_variants(args.variants, base) if args.variants else []
    variants = choose_variants(variants, args.only)
    shared = dict(data=args.data, size=args.size, options=args.cfg_options, amp=args.amp)
    runs = plan_runs(variants, args.work_dir, args.seeds, baseline=args.baseline, **shared)
    failures = {}
    if not args.table_only:
        records = check_runs(runs, **shared)
        if args.plan:
            show_plan(records, args.work_dir)
            return
        if args.slurm and submit(records, args):
            return
        failures = run_trainings(records, args.work_dir, args.jobs or 1)
    try:
        compare(runs, args)
    except ValueError as error:
        if not failures:
            raise
        note(f'\nno table: {error}')
    failed = {run.name: run.failure for run in runs if run.failure}
    if failed:
        note(f'\n{len(failed)} of {len(runs)} runs failed:')
        for name, reason in failed.items():
            note(f'  {name}: {reason}')
    if failures:
        raise SystemExit(1)


def show_plan(records: Mapping[AblationRun, dict], work_dir: Path) -> None:
    """List the runs with their states, and why those failed that did."""
    from mmfncontra.apis.ablation.slurm_queue import queued_runs

    queued = queued_runs(records, work_dir)
    for run, record in records.items():
        why = queued.get(run) or run.failure
        longer = run.is_shorter_than(record['max_iters'])
        state = 'queued' if run in queued else 'started' if longer else run.state
        note(f'{state:8} {run.name}: {run.variant.describe()}{f" ({why})" if why else ""}')


def submit(records: Mapping[AblationRun, dict], args: argparse.Namespace) -> bool:
    """Give what is not finished to Slurm; whether anything is left to wait for."""
    from mmfncontra.apis.ablation.slurm_array import submit_trainings

    waiting = submit_trainings(records, args.work_dir, args.slurm, args.jobs)
    for run, job in waiting.items():
        note(f'{run.name}: {job}')
    if waiting:
        note(
            f'{len(waiting)} of {len(records)} runs are with Slurm, whose logs are in '
            f'{shown_name(args.work_dir / "slurm")}; the same command with --plan says how they '
            'are, with --table-only compares what is finished, and alone submits again what failed'
        )
    return bool(waiting)


def compare(runs: Sequence[AblationRun], args: argparse.Namespace) -> None:
    """Write what compares the finished runs."""
    from mmfncontra.apis.ablation.page import PAGE, write_study_page
    from mmfncontra.apis.ablation.results import write_tables

    # It goes as the tables do where runs cannot be compared any more.
    (args.work_dir / PAGE).unlink(missing_ok=True)
    table = write_tables(runs, args.work_dir, args.baseline, args.metrics, args.cards)
    page = write_study_page(runs, table, args.work_dir)
    if args.export:
        from mmfncontra.apis.ablation.study import gather_study
        from mmfncontra.apis.ablation.study_file import write_study

        write_study(gather_study(runs, args.export.stem, args.baseline), args.export)
    note(f'\n{table.to_markdown()}\ncurves and samples in {shown_name(page)}')
    note(f'tables in {shown_name(args.work_dir)}: table.md, table.csv, table.tex')
