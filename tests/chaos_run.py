"""The training that chaos.py kills: its config, its processes, its start and end."""

import argparse
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARK = 'MMFNCONTRA_CHAOS'  # in the environment of every process of a run
PATIENCE = 120.0  # seconds for an end, a start or an iteration

# Everything that has a state: two optimisers, EMA, BatchNorm, spectral norm, ADA, LeCam's averages,
# a lazy penalty, dynamic weights, schedules, flips drawn in worker processes, a best score.
CONFIG = """
_base_ = [
    '{configs}/_base_/models/fastgan_64.py',
    '{configs}/_base_/datasets/procedural_shells.py',
    '{configs}/_base_/schedules/fastgan_50k.py',
    '{configs}/_base_/default_runtime.py',
]
custom_imports = dict(
    imports=['mmfncontra.models.gans', 'chaos_parts'], allow_failed_imports=False)
model = dict(
    generator=dict(base_channels=4, noise_size=16),
    discriminator=dict(base_channels=4),
    disc_auxiliary_losses=dict(
        rec=dict(_delete_=True, type='WaveletL1Loss', loss_weight=0.3),
        lecam=dict(type='LeCamLoss', loss_weight=0.3),
        r1=dict(type='R1Penalty', gamma=0.1, interval=3)),
    augment=dict(
        _delete_=True, type='ADA', categories=['blit', 'color'], target=-0.5,
        ada_kimg=0.2, initial=0.2),
    ema_config=dict(momentum=0.05),
    contrast=dict(
        type='FNContra',
        negatives=dict(type='FrequencyNegatives', wavelet='haar', levels=2),
        view=dict(type='RandomView', max_angle=30.0),
        dwcl=dict(type='DWCLLoss', temperature=0.07, loss_weight=1.0),
        gwcl=dict(type='GWCLLoss', loss_weight=0.1, decay=0.5),
        weights=dict(type='SelfInformationWeight', momentum=0.9)))
train_dataloader = dict(
    batch_size=2, num_workers=1, persistent_workers=True,
    dataset=dict(
        num_images=22,
        pipeline=[
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackImages')]))
train_cfg = dict(max_iters={iterations}, val_interval={validation})
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, end=20, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max={iterations}, by_epoch=False)]
val_evaluator = dict(
    metrics=[dict(type='ImageMetrics', values=['swd', 'diversity'], num_fake=16)])
default_hooks = dict(
    checkpoint=dict(interval={interval}, save_best='swd', rule='less'),
    logger=dict(interval=5),
    samples=dict(interval={validation}),
    doctor=dict(interval=10, window=20, num_images=4))
custom_hooks = [
    dict(type='DynamicWeightHook'),
    dict(type='EarlyStoppingHook', monitor='swd', rule='less', patience=1000),
    dict(type='ChaosHook', folder='{notes}', pace={pace})]
"""


def processes(mark: str) -> dict[int, int]:
    """Living processes of a run and their parents, found by their environment."""
    found = {}
    for folder in Path('/proc').iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / 'environ').read_bytes()
            status = (folder / 'stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if f'{MARK}={mark}'.encode() in environment.split(b'\0') and status[0] not in 'ZX':
            found[int(folder.name)] = int(status[1])
    return found


def send(pids: list[int], number: int) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Run:
    """A training in a folder, started as often as it takes."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self.folder = folder
        self.work_dir = folder / 'run'
        self.ranks = args.ranks
        self.notes = folder / 'notes'
        self.notes.mkdir(parents=True)
        self.config = folder / 'chaos.py'
        self.config.write_text(
            CONFIG.format(
                configs=ROOT / 'configs',
                notes=self.notes,
                iterations=args.iterations,
                interval=args.interval,
                validation=4 * args.interval,
                pace=args.pace,
            )
        )
        self.starts = 0
        self.newest = 0  # checkpoint after the last kill

    def start(self) -> None:
        """Start or go on."""
        self.starts += 1
        self.mark = uuid.uuid4().hex
        folders = (Path(sys.executable).parent, os.environ['PATH'])
        self.log = (self.folder / f'start_{self.starts:03d}.log').open('wb')
        self.launcher = subprocess.Popen(
            [
                *(ROOT / 'tools' / 'dist_train.sh', self.config, str(self.ranks)),
                *('--work-dir', self.work_dir, '--seed', '3', '--resume', 'auto'),
            ],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                **os.environ,
                MARK: self.mark,
                'PATH': ':'.join(map(str, folders)),
                'PYTHONPATH': f'{ROOT}:{ROOT / "tests"}',
                'OMP_NUM_THREADS': '1',
                'MKL_NUM_THREADS': '1',
                'CUDA_VISIBLE_DEVICES': '',
            },
        )

    def victims(self, kind: str, dice: random.Random) -> list[int]:
        """Processes to signal: of a rank, the launcher or all."""
        found = processes(self.mark)
        ranks = sorted(pid for pid, parent in found.items() if parent == self.launcher.pid)
        if kind == 'rank' and ranks:
            return [dice.choice(ranks)]
        return list(found) if kind == 'all' else [self.launcher.pid]

    def wait_for_end(self, trains: bool = False) -> list[int]:
        """Wait for every process of this start.

        Args:
            trains: Wait as long as there are new iterations.

        Returns:
            Those that did not end, which are killed.
        """
        end, seen = time.monotonic() + PATIENCE, None
        while (left := processes(self.mark)) and time.monotonic() < end:
            self.launcher.poll()  # takes it out of the table
            if trains and self.iteration() != seen:
                end, seen = time.monotonic() + PATIENCE, self.iteration()
            time.sleep(0.05)
        send(list(left), signal.SIGKILL)
        self.launcher.wait()
        self.log.close()
        return list(left)

    def wait_for_training(self) -> bool:
        """Wait for the first iteration of this start; whether there was one."""
        end = time.monotonic() + PATIENCE
        while self.iteration() is None and time.monotonic() < end:
            if self.launcher.poll() is not None:
                return False
            time.sleep(0.02)
        return self.iteration() is not None

    def iteration(self) -> int | None:
        """Iterations done by the first rank in this start; None before it trains."""
        try:
            start, done = (self.notes / 'progress').read_text().split()
        except (OSError, ValueError):
            return None
        return int(done) if start == self.mark else None

    def beginnings(self) -> list[int]:
        """Iterations at which the ranks of this start began."""
        files = self.notes.glob(f'{self.mark}_*.start')
        return [int(path.read_text()) for path in files]

    def saved(self) -> int:
        """Iteration of the newest checkpoint of a final name, 0 without one."""
        names = [re.fullmatch(r'iter_(\d+)\.pth', p.name) for p in self.work_dir.glob('*.pth')]
        return max((int(name[1]) for name in names if name), default=0)

    def tail(self, lines: int = 25) -> str:
        """The end of what the current start printed."""
        path = self.folder / f'start_{self.starts:03d}.log'
        return '\n'.join(path.read_text(errors='replace').splitlines()[-lines:])
