#!/usr/bin/env python
"""What only a GPU can show, in one run of some minutes.

python benchmarks/gpu_acceptance.py --out docs/gpu
"""

import argparse
import importlib
import os
import signal
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Check on a GPU what only a GPU can show, and write a line of JSON for '
        'everything that is found. docs/gpu.md says what they mean.',
        epilog='Exit code: 0 if every check has said something and none that something is wrong, '
        'else 1; 2 wrong usage.',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='FILE_OR_FOLDER',
        help='file for the lines, or a folder for <date>-<device>.jsonl; a file is added to. Log, '
        'test report and pictures go into a folder beside it, <name>_files',
    )
    parser.add_argument(
        '--budget', type=float, default=450, metavar='SECONDS', help='for all; default 450'
    )
    parser.add_argument('--only', metavar='A,B', help='these checks')
    parser.add_argument(
        '--photographs',
        type=Path,
        metavar='DATA',
        help='folder with a folder for each set of photographs, such as hats and shoes: for the '
        'check photographs, which is left out without it',
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='all of it at tiny sizes on the CPU, for a trial'
    )
    parser.add_argument('--list', action='store_true', help='name the checks and leave')
    return parser.parse_args()


def main() -> int:
    """Run the checks."""
    args = parse_args()
    began = time.monotonic()
    # Before torch is imported: several processes share the cores.
    threads = 1 if args.dry_run else min(4, os.cpu_count() or 1)
    os.environ.setdefault('OMP_NUM_THREADS', str(threads))
    if args.dry_run:
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    args.out = os.path.abspath(args.out)
    args.photographs = args.photographs and args.photographs.expanduser().absolute()
    os.chdir(ROOT)  # configs are named from here
    sys.path.insert(0, str(ROOT))
    from acceptance.photographs import image_sets
    from acceptance.run import Run, read_lines, refuse
    from acceptance.schedule import run_checks
    from acceptance.summary import show
    from acceptance.table import CHECKS

    checks = {check.name: check for check in CHECKS}
    if args.list:
        print(*checks, sep='\n')
        return 0
    wanted = list(checks) if args.only is None else args.only.split(',')
    if unknown := [name for name in wanted if name not in checks]:
        refuse(f'--only must name some of {", ".join(checks)}, got {", ".join(unknown)!r}')
    if args.photographs is None:
        if args.only is not None and 'photographs' in wanted:
            refuse('the check photographs needs --photographs DATA')
        wanted = [name for name in wanted if name != 'photographs']
    elif not args.photographs.is_dir() or not image_sets(args.photographs):
        refuse(
            '--photographs must be a folder that holds a folder for each set of photographs, got '
            f'{args.photographs}'
        )
    device = None if args.dry_run else _gpu()
    if device is None and not args.dry_run:
        refuse('there is no GPU here that torch can use; --dry-run tries everything on the CPU')
    results = _results(Path(args.out), device or 'dry-run')
    files = results.with_name(f'{results.stem}_files')
    files.mkdir(parents=True, exist_ok=True)
    before = results.stat().st_size if results.exists() else 0
    if args.dry_run:
        _import_all()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is ended, too
    with tempfile.TemporaryDirectory(prefix='acceptance_') as work:
        kind, until = 'cpu' if args.dry_run else 'cuda', began + args.budget
        run = Run(
            *(results, files, Path(work), kind, args.dry_run, began, until),
            photographs=args.photographs,
        )
        run.emit(date=str(date.today()), device=device, budget=args.budget, checks=wanted)
        try:
            run_checks([check for check in CHECKS if check.name in wanted], run)
        finally:
            lines = read_lines(results, before)
            show(lines)
    print(f'{results}, {files}')
    return int(any(line.get('fine') is False for line in lines))


def _gpu() -> str | None:
    """Name of the GPU, if there is one."""
    from acceptance.run import refuse
    from acceptance.scripts import in_a_fork

    def ask() -> str | None:
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None

    try:
        return in_a_fork(ask)  # what this process has used its forks cannot use
    except EOFError:
        refuse('torch cannot use the GPU; what it says is above')


def _results(out: Path, device: str) -> Path:
    """The file for the lines."""
    if out.is_file() or (out.suffix and not out.is_dir()):
        out.parent.mkdir(parents=True, exist_ok=True)
        return out
    out.mkdir(parents=True, exist_ok=True)
    slug = '-'.join(''.join(c if c.isalnum() else ' ' for c in device.lower()).split())
    return out / f'{date.today()}-{slug}.jsonl'


def _import_all() -> None:
    """Import once what all checks and the scripts that they run need.

    Not with a GPU: mmengine asks for it when it is imported, and then a fork cannot use it.
    """
    from acceptance.packages import missing

    for name in ('apis', 'engine', 'evaluation.metrics', 'models.gans'):
        importlib.import_module(f'mmfncontra.{name}')
    if not missing(0):
        importlib.import_module('timm')


if __name__ == '__main__':
    sys.exit(main())
