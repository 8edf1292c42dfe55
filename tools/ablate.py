#!/usr/bin/env python
"""Train variants with several seeds and compare them in a table.

python tools/ablate.py baseline=configs/fastgan/fastgan-offline_64.py \
    fncontra=configs/fncontra/fastgan-offline_64.py --variant 'no GWCL: model.contrast.gwcl=None' \
    --data FOLDER --seeds 0 1 2 --work-dir ablations/mine
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmfncontra.commands.ablate import main, parse_args
from mmfncontra.launch.command import run_command

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    run_command(main)
