#!/usr/bin/env python
"""Show trainings on one page.

python tools/report.py work_dirs/NAME
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.report import main, parse_args
from mmfncontra.launch.command import run_command

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    run_command(main)
