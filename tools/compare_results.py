#!/usr/bin/env python
"""Put metric cards into one table, if they can stand in one, and print the tables of studies.

python tools/compare_results.py a_metrics.json b_metrics.json
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.compare_results import main, mark_parser, parse_args
from mmfncontra.launch.command import run_command

__all__ = ['main', 'mark_parser', 'parse_args']

if __name__ == '__main__':
    run_command(main)
