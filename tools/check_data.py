#!/usr/bin/env python
"""Look at a folder or zip of images before training on it.

python tools/check_data.py data/mine
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.check_data import main, parse_args
from mmfncontra.launch.command import run_command

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    run_command(main)
