#!/usr/bin/env python
"""Find out what of the configs can be combined, and write it down.

python tools/list_combinations.py --out docs/combinations.md
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.combinations import main
from mmfncontra.launch.command import run_command

__all__ = ['main']

if __name__ == '__main__':
    run_command(main)
