#!/usr/bin/env python
"""Draw images from a trained generator.

python tools/generate.py work_dirs/NAME/iter_50000.pth --num 16 --grid
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.generate import main, parse_args
from mmfncontra.launch.command import run_command

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    run_command(main)
