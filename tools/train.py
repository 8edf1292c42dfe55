#!/usr/bin/env python
"""Train a generator.

python tools/train.py CONFIG --data FOLDER
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.train import main, parse_args, run

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    run()
