"""What some seconds of training come to, of FNContra and of its baseline."""

import json
import math
import os
import shutil
import signal
import time
from pathlib import Path

from mmfncontra.launch.contract import PREEMPTED

from . import scripts
from .run import Run, rounded

_FAMILIES = ('fastgan', 'fncontra')
_KEPT = ('swd', 'spectrum_distance', 'diversity_ratio', 'copy_rate', 'copy_rate_wavelet')
_NEVER = 1_000_000
_OPTIONS = [
    f'train_cfg.max_iters={_NEVER}',
    f'train_cfg.val_interval={_NEVER}',
    f'default_hooks.checkpoint.interval={_NEVER}',
    f'default_hooks.samples.interval={_NEVER}',
    'param_scheduler=None',
]
# Wider than the demo, which is made for a CPU, and with its images doubled.
_WIDE = [
    'model.accelerate=cuda_graphs',
    'model.generator.base_channels=32',
    'model.generator.noise_size=256',
    'model.discriminator.base_channels=32',
    'model.ema_config.momentum=0.001',
    'optim_wrapper.generator.optimizer.lr=2e-4',
    'optim_wrapper.discriminator.optimizer.lr=2e-4',
    'train_dataloader.dataset.num_images=64',
    'default_hooks.logger.interval=100',
    'default_hooks.doctor.interval=1000',
]
_TINY = ['model.generator.base_channels=4', 'model.discriminator.base_channels=4']
_TINY += ['default_hooks.logger.interval=1']


def check(run: Run) -> None:
    """Train both side by side for so long on drawn shells, stop them, measure and draw."""
    trainings = {}
    for family in _FAMILIES:
        folder = run.work / f'quality_{family}'
        options = [*_OPTIONS, *(_TINY if run.dry else _WIDE)]
        config = f'configs/{family}/fastgan_demo.py'
        trainings[family] = (
            folder,
            scripts.start(
                'tools/train.py', config, '--work-dir', folder, '--cfg-options', *options
            ),
        )
    while not all(_has_begun(folder) or not t.is_alive() for folder, t in trainings.values()):
        time.sleep(0.1)
    # Afterwards it is saved, measured and drawn.
    lasting = 0.5 if run.dry else round(max(10.0, min(55.0, run.left - 45)), 1)
    end = time.monotonic() + lasting
    while time.monotonic() < end and any(t.is_alive() for _, t in trainings.values()):
        time.sleep(0.1)
    for _, training in trainings.values():
        if training.is_alive():
            os.kill(training.pid, signal.SIGTERM)  # it saves and leaves
    looking = {}
    for family, (folder, training) in trainings.items():
        code = scripts.exit_code(training)
        checkpoints = sorted(folder.glob('iter_*.pth'), key=lambda path: int(path.stem[5:]))
        if code != PREEMPTED or not checkpoints:
            run.emit(family=family, exit_code=code, checkpoints=len(checkpoints), fine=False)
            continue
        newest, card = checkpoints[-1], folder / 'card.json'
        run.emit(family=family, trained=lasting, iterations=int(newest.stem[5:]))
        pixels = ['--pixels', '--num', 32 if run.dry else 1000, '--out', card]
        looking[family] = (
            newest,
            scripts.start('tools/test.py', newest, *pixels),
            scripts.start('tools/generate.py', newest, '--grid', '--num', 4 if run.dry else 64),
        )
    for family, (checkpoint, *tools) in looking.items():
        _report(run, family, lasting, checkpoint, [scripts.exit_code(tool) for tool in tools])


def _has_begun(folder: Path) -> bool:
    return any(file.stat().st_size for file in folder.glob('*/vis_data/scalars.json'))


def _report(run: Run, family: str, lasting: float, checkpoint: Path, codes: list[int]) -> None:
    if any(codes):
        run.emit(family=family, exit_codes=codes, fine=False)
        return
    metrics = json.loads((checkpoint.parent / 'card.json').read_text())['metrics']
    kept = rounded({name: metrics[name] for name in _KEPT if name in metrics}, 4)
    grid = run.files / f'{family}.png'
    shutil.copyfile(checkpoint.parent / 'generated' / 'grid.png', grid)
    run.emit(
        family=family,
        lasting=lasting,
        iterations=int(checkpoint.stem[5:]),
        grid=grid.name,
        **kept,
        fine=bool(kept) and all(map(math.isfinite, kept.values())),
    )
