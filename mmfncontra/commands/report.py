"""Show trainings on one page.

mmfncontra report work_dirs/NAME
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.console import note, shown_name


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Write one HTML file, which needs no network, on one or several trainings: '
        'samples, curves, metrics, verdicts, config. Runs that differ in nothing but their seed '
        'get mean and standard deviation.'
    )
    parser.add_argument(
        'work_dirs', nargs='+', metavar='WORK_DIR', help='folder that a training wrote to'
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='FILE',
        help='default: report.html in WORK_DIR, or in the current folder if there are several',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the report as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.utils.checks import check_writable
    from mmfncontra.visualization.report.report import write_report

    if args.out is not None:
        args.out = check_writable(args.out, '--out')
    out = write_report(args.work_dirs, args.out)
    note(f'report in {shown_name(out)} ({out.stat().st_size / 1e6:.1f} MB): open it in a browser')
