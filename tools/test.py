#!/usr/bin/env python
"""Evaluate a trained generator and write a metric card.

python tools/test.py work_dirs/NAME/iter_50000.pth
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.test import main, parse_args
from mmfncontra.launch.command import run_command

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    run_command(main)
