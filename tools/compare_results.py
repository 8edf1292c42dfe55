#!/usr/bin/env python
"""Put metric cards into one table, if they can stand in one.

python tools/compare_results.py a_metrics.json b_metrics.json
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.compat.versions import check_versions
from mmfncontra.launch.command import run_command


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Print a Markdown table of metric cards. Cards that depend on different '
        'things (number of images, real images, size, extractor …) are refused, saying which.'
    )
    parser.add_argument('cards', metavar='CARD', nargs='+', help='JSON files of tools/test.py')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Compare as the command line says."""
    args = parse_args(argv)
    check_versions()
    # Imported after parsing: --help answers at once, and after the check of what they need.
    from mmfncontra.evaluation.card import compare_cards

    print(compare_cards(args.cards), end='')


if __name__ == '__main__':
    run_command(main)
