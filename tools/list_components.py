#!/usr/bin/env python
"""List the components of contrasts and what goes together.

python tools/list_components.py --out docs/components.md
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.components import main
from mmfncontra.launch.command import run_command

__all__ = ['main']

if __name__ == '__main__':
    run_command(main)
