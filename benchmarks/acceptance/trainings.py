"""Trainings that last equally long side by side, are told to stop, measured and drawn."""

import json
import math
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from mmfncontra.launch.contract import PREEMPTED

from . import scripts
from .packages import missing
from .run import Run, rounded

_KEPT = ('swd', 'spectrum_distance', 'diversity_ratio', 'copy_rate', 'copy_rate_wavelet')
_KEPT += ('fd_lite2', 'kid_lite2', 'precision_lite2', 'recall_lite2', 'copy_rate_lite2')
_NEVER = 1_000_000
_UNTIL_STOPPED = (
    f'train_cfg.max_iters={_NEVER}',
    f'train_cfg.val_interval={_NEVER}',
    f'default_hooks.checkpoint.interval={_NEVER}',
    f'default_hooks.samples.interval={_NEVER}',
    'param_scheduler=None',
)
_ON_GPU = (
    'model.accelerate=cuda_graphs',
    'default_hooks.logger.interval=20',
    'default_hooks.doctor.interval=1000',
)


@dataclass(frozen=True, eq=False)
class Training:
    """A training.

    Attributes:
        family: What trains.
        arguments: Of ``tools/train.py``: the config and what else it takes.
        options: Changes to the config.
        facts: What its lines say besides.
    """

    family: str
    arguments: Sequence[object]
    options: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of its folder and of its picture."""
        return '_'.join([*self.facts.values(), self.family])


def compare(run: Run, trainings: Sequence[Training], lasting: Callable[[], float]) -> None:
    """Train side by side for so long, stop all, measure and draw; a line for each.

    Args:
        run: The check.
        trainings: The trainings.
        lasting: Seconds, asked for when all have begun.
    """
    started = {training: _start(run, training) for training in trainings}
    while not all(_has_begun(run, one) or not p.is_alive() for one, p in started.items()):
        time.sleep(0.1)
    seconds = lasting()
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(p.is_alive() for p in started.values()):
        time.sleep(0.1)
    for process in started.values():
        if process.is_alive():
            os.kill(process.pid, signal.SIGTERM)  # it saves and leaves
    looking = {}
    for training, process in started.items():
        code = scripts.exit_code(process)
        checkpoints = sorted(
            _folder(run, training).glob('iter_*.pth'), key=lambda path: int(path.stem[5:])
        )
        facts = dict(family=training.family, **training.facts)
        if code != PREEMPTED or not checkpoints:
            run.emit(**facts, exit_code=code, checkpoints=len(checkpoints), fine=False)
            continue
        facts.update(lasting=seconds, iterations=int(checkpoints[-1].stem[5:]))
        run.emit(**facts)  # if there is no time to look at it
        looking[training] = facts, checkpoints[-1], _look(run, checkpoints[-1])
    for training, (facts, checkpoint, tools) in looking.items():
        _report(run, training, facts, checkpoint, [scripts.exit_code(tool) for tool in tools])


def _folder(run: Run, training: Training) -> Path:
    return run.work / f'{run.check}_{training.name}'


def _start(run: Run, training: Training) -> BaseProcess:
    options = [*_UNTIL_STOPPED, *training.options]
    options += ['default_hooks.logger.interval=1'] if run.dry else _ON_GPU
    return scripts.start(
        'tools/train.py',
        *training.arguments,
        *('--work-dir', _folder(run, training), '--cfg-options', *options),
    )


def _has_begun(run: Run, training: Training) -> bool:
    logs = _folder(run, training).glob('*/vis_data/scalars.json')
    return any(file.stat().st_size for file in logs)


def _look(run: Run, checkpoint: Path) -> list[BaseProcess]:
    """Measure and draw; as many images at once as leaves room for those beside it."""
    kind, number = '--pixels' if missing(2) else '--offline', 16 if run.dry else 1000
    card, batch = checkpoint.parent / 'card.json', ['--batch-size', 16 if run.dry else 64]
    return [
        scripts.start('tools/test.py', checkpoint, kind, '--num', number, '--out', card, *batch),
        scripts.start('tools/generate.py', checkpoint, '--grid', '--num', 4 if run.dry else 64),
    ]


def _report(
    run: Run, training: Training, facts: dict, checkpoint: Path, codes: Sequence[int]
) -> None:
    if any(codes):
        run.emit(**facts, exit_codes=codes, fine=False)
        return
    metrics = json.loads((checkpoint.parent / 'card.json').read_text(encoding='utf-8'))['metrics']
    kept = rounded({name: metrics[name] for name in _KEPT if name in metrics}, 4)
    grid = run.files / f'{training.name}.png'
    shutil.copyfile(checkpoint.parent / 'generated' / 'grid.png', grid)
    run.emit(
        **facts, grid=grid.name, **kept, fine=bool(kept) and all(map(math.isfinite, kept.values()))
    )
