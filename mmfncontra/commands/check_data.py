"""Look at a folder or zip of images before training on it.

mmfncontra check-data data/mine
"""

import argparse
import sys
from collections.abc import Sequence

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.console import note


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Say what is in a folder or zip of images, what to repair, which size and '
        'config fit, and what a training takes on this machine. Exit code: 0 ready to train, '
        '1 something must be repaired, 2 wrong usage.'
    )
    parser.add_argument('data', metavar='DATA', help='folder or zip of images')
    parser.add_argument(
        '--size', type=int, help='side in pixels to judge for; default: the largest that fits'
    )
    parser.add_argument(
        '--config', metavar='FILE', help='config to judge for; default: one fitting'
    )
    parser.add_argument('--json', metavar='FILE', help='write everything that was found as well')
    parser.add_argument(
        '--measure',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='run a few training steps to estimate time and memory (default: do)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Check as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis.data_check.check import check_data
    from mmfncontra.apis.data_check.report import describe_check
    from mmfncontra.utils.checks import check_writable

    if args.json is not None:
        args.json = check_writable(args.json, '--json')
    check = check_data(
        args.data,
        size=args.size,
        config=args.config,
        measure=args.measure,
    )
    note(describe_check(check))
    if args.json is not None:
        check.save(args.json)
    if not check.trainable:
        sys.exit(1)
