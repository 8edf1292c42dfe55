"""What the training of chaos.py has besides the package's components."""

import os
import time
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook

from mmfncontra.registry import HOOKS


@HOOKS.register_module()
class ChaosHook(Hook):
    """Notes where a process begins and how far the first one is; slows iterations down."""

    priority = 'LOWEST'  # an iteration is done when all that belongs to it is

    def __init__(self, folder, pace):
        self.folder = Path(folder)
        self.pace = pace
        self.start = os.environ['MMFNCONTRA_CHAOS']

    def before_train(self, runner):
        self._write(f'{self.start}_{get_rank()}.start', str(runner.iter))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if get_rank() == 0:
            self._write('progress', f'{self.start} {runner.iter + 1}')
        time.sleep(self.pace)

    def _write(self, name, text):
        unfinished = self.folder / f'{name}.tmp'
        unfinished.write_text(text)
        unfinished.replace(self.folder / name)
