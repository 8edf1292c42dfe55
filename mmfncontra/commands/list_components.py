#!/usr/bin/env python
"""List the components of contrasts and what goes together.

python tools/list_components.py --out docs/components.md
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.apis.catalogue.page import write_page
from mmfncontra.launch.command import run_command

DESCRIPTION = (
    'List every view, negative, objective and weight of a contrast with its source and a '
    'config, after trying which go together. Takes half a minute.'
)


def main(argv: Sequence[str] | None = None) -> None:
    """List as the command line says."""
    write_page(DESCRIPTION, 'mmfncontra.apis.catalogue.components.describe_components', argv)


if __name__ == '__main__':
    run_command(main)
