#!/usr/bin/env python
"""Find out what of the configs can be combined, and write it down.

python tools/list_combinations.py --out docs/combinations.md
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.apis.catalogue.page import write_page
from mmfncontra.launch.command import run_command

DESCRIPTION = (
    'Build every combination of baseline, augmentation, regulariser and contrast in small, '
    'make a training step with it, and list what refuses. Takes a minute or two.'
)


def main(argv: Sequence[str] | None = None) -> None:
    """List as the command line says."""
    write_page(DESCRIPTION, 'mmfncontra.apis.catalogue.combinations.describe_combinations', argv)


if __name__ == '__main__':
    run_command(main)
