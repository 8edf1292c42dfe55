#!/usr/bin/env python
"""Find out what of the configs can be combined, and write it down.

python tools/list_combinations.py --out docs/combinations.md
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.utils import check_versions, run_command


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Build every combination of baseline, augmentation, regulariser and contrast '
        'in small, make a training step with it, and list what refuses. Takes a minute or two.'
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='default: the screen')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """List as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.apis.combinations import describe_combinations
    from mmfncontra.utils.checks import check_writable

    if args.out is not None:
        args.out = check_writable(args.out, '--out')
    text = describe_combinations(Path(__file__).resolve().parents[1] / 'configs')
    if args.out is None:
        print(text, end='')
    else:
        args.out.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    run_command(main)
