#!/usr/bin/env python
"""Convert a published FastGAN or FNContra checkpoint to one that our configs load.

    python tools/model_converters/fastgan_to_mmfncontra.py 50000.pth fastgan.pth
    python tools/model_converters/fastgan_to_mmfncontra.py all_50000.pth fncontra.pth --contrast

Only tensors and numbers are read from the file: no code in it runs.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmfncontra.commands.convert_fastgan import main
from mmfncontra.launch.command import run_command

__all__ = ['main']

if __name__ == '__main__':
    run_command(main)
