"""A distributed training through the launch script."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import torch
from training_step import ROOT

from .run import Run

CONFIG = 'configs/fncontra/fastgan_demo.py'


def check(run: Run) -> None:
    """Train for some iterations with one process, and with two where there are two GPUs."""
    gpus = torch.cuda.device_count() if run.device == 'cuda' else 0
    for processes in (1, 2) if gpus > 1 else (1,):
        _train(run, processes)


def _train(run: Run, processes: int) -> None:
    folder, iterations = run.work / f'ranks_{processes}', 2 if run.dry else 20
    options = [
        f'train_cfg.max_iters={iterations}',
        f'train_cfg.val_interval={iterations}',
        'default_hooks.logger.interval=1',
        'default_hooks.samples=None',
        'param_scheduler=None',
        # A few features: that ranks share them is what there is to see.
        'val_evaluator.metrics.2.num_fake=8',
        'val_evaluator.metrics.2.values=[kid]',
    ]
    command = ['bash', 'tools/dist_train.sh', CONFIG, str(processes), '--work-dir', str(folder)]
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    ended = subprocess.run(
        [*command, '--cfg-options', *options],
        cwd=ROOT,
        check=False,
        env={**os.environ, 'PYTHON': sys.executable, 'PATH': path},
    )
    losses = logged(folder)
    run.emit(
        processes=processes,
        backend='nccl' if run.device == 'cuda' else 'gloo',
        exit_code=ended.returncode,
        iterations=len(losses),
        last_losses={name: round(value, 4) for name, value in losses[-1].items()} if losses else {},
        fine=ended.returncode == 0
        and len(losses) == iterations
        and all(math.isfinite(value) for line in losses for value in line.values()),
    )


def logged(folder: Path) -> list[dict[str, float]]:
    """Losses of a training, by the iterations that were logged."""
    lines = [
        json.loads(line)
        for file in sorted(folder.glob('*/vis_data/scalars.json'))
        for line in file.read_text(encoding='utf-8').splitlines()
    ]
    return [
        {name: value for name, value in line.items() if name.startswith('loss_')}
        for line in lines
        if 'loss_disc' in line
    ]
