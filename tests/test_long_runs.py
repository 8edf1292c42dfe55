"""What a training holds does not grow with its iterations.

1,500 iterations here; MMFNCONTRA_LONG_RUN=5000 makes it 5,000, which take minutes.
"""

import ctypes
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from commands import ROOT
from mmengine.hooks import Hook
from toy_config import write_toy_config

from mmfncontra.apis import prepare_config, run_training
from mmfncontra.checkpoints.safe_globals import allow_training_checkpoints
from mmfncontra.engine import TrainingRunner
from mmfncontra.engine.logs import deferred_message_hub as hubs
from mmfncontra.launch.work_dir_lock import hold_work_dir

ITERATIONS = int(os.environ.get('MMFNCONTRA_LONG_RUN', 1500))
linux = pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')

HOOKS = """
default_hooks = dict(
    runtime_info=dict(type='StepScalarsHook'),
    logger=dict(type='ProgressLoggerHook', interval=10),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=100, max_keep_ckpts=2),
    samples=dict(type='SampleGridHook', interval=100, num_images=2),
    doctor=dict(type='RunDoctorHook', interval=50, window=50, num_images=2))
"""


class Census(Hook):
    """Counts what the process holds, several times, always at the same point of the rhythm."""

    priority = 'LOWEST'

    def __init__(self, every, leak=None):
        self.every, self.leak, self.counts = every, leak, []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self.leak is not None:
            self.leak(runner)
        if self.every_n_train_iters(runner, self.every):
            runner.message_hub.flush()
            gc.collect()
            self.counts.append(
                dict(
                    files=len(os.listdir('/proc/self/fd')),
                    threads=len(os.listdir('/proc/self/task')),
                    python_threads=threading.active_count(),
                    tensors=sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects()),
                    memory=_resident(),
                )
            )


def _resident():
    """Bytes of memory in use: what is free goes back to the system first."""
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGESIZE')


def _run(folder, iterations, census):
    normalised = "type='ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3"
    type_ = "type='ToyGAN',"
    replaced = {type_: f'{type_} data_preprocessor=dict({normalised}),'}
    config = write_toy_config(folder, **replaced)
    text = config.read_text()
    start = text.index('default_hooks')
    config.write_text(text[:start] + HOOKS + text[text.index('log_processor') :])
    options = {'train_cfg.max_iters': iterations}
    cfg = prepare_config(config, work_dir=folder / 'run', cfg_options=options)
    allow_training_checkpoints()
    runner = TrainingRunner.from_cfg(cfg)
    runner.register_hook(census)
    runner.train()
    return runner


@linux
def test_nothing_grows(tmp_path, monkeypatch):
    # So low that histories are full after the warm-up, as they are after 10,000 iterations.
    kept = ITERATIONS // 5
    monkeypatch.setattr(hubs.DeferredMessageHub.__init__, '__defaults__', (kept,))
    census = Census(every=ITERATIONS // 1500 * 100)  # as often as the doctor has looked
    runner = _run(tmp_path, ITERATIONS, census)
    warm, *later = census.counts[4:]
    assert len(later) >= 9
    for name in ('files', 'threads', 'python_threads', 'tensors'):
        assert {count[name] for count in later} == {warm[name]}, name
    # Nothing in fact; the bound leaves the allocator some room.
    grown = min(count['memory'] for count in later[-3:]) - warm['memory']
    assert grown < 1 << 20, f'{grown} bytes'
    histories = runner.message_hub.log_scalars
    assert max(len(buffer.data[0]) for buffer in histories.values()) == kept
    assert len(list((tmp_path / 'run').glob('iter_*.pth'))) == 2


@linux
def test_what_grows_is_seen(tmp_path):
    kept = []

    def leak(runner):
        kept.append([os.dup(0), torch.zeros(()), b'x' * 100_000])

    census = Census(every=100, leak=leak)
    _run(tmp_path, 300, census)
    for file, *_ in kept:
        os.close(file)
    first, _, last = census.counts
    for name, least in dict(files=200, tensors=200, memory=200 * 50_000).items():
        assert last[name] - first[name] >= least, name


def test_a_second_training_in_a_work_dir_writes_nothing(tmp_path):
    cfg = prepare_config(write_toy_config(tmp_path), work_dir=tmp_path / 'run')
    with (
        hold_work_dir(tmp_path / 'run'),
        pytest.raises(ValueError, match=r'work dir .*/run is in use by a training, process \d+ on'),
    ):
        run_training(cfg)
    assert [path.name for path in (tmp_path / 'run').rglob('*')] == ['.lock']


def _alive(pids):
    def state(pid):
        try:
            return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
        except OSError:
            return 'X'

    return [pid for pid in pids if state(pid) not in 'ZX']


@linux
def test_workers_end_with_a_training_that_is_killed(tmp_path):
    workers = {'num_workers=0': 'num_workers=2, persistent_workers=True'}
    long = {'max_iters=4': 'max_iters=1_000_000'}
    config = write_toy_config(tmp_path, **workers, **long)
    output = tmp_path / 'output'
    with output.open('wb') as file:
        training = subprocess.Popen(
            [sys.executable, ROOT / 'tools' / 'train.py', config],
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'PYTHONPATH': str(ROOT / 'tests' / 'toys'), 'OMP_NUM_THREADS': '1'},
        )
    children = []
    try:
        end = time.monotonic() + 100
        while not re.search(r'\[\s*\d+/1000000\]', output.read_text()):
            assert training.poll() is None and time.monotonic() < end, output.read_text()
            time.sleep(0.1)
        tasks = Path(f'/proc/{training.pid}/task').glob('*/children')
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        assert len(children) >= 2
        training.kill()
        training.wait()
        # A worker looks for its parent every five seconds.
        end = time.monotonic() + 20
        while _alive(children) and time.monotonic() < end:
            time.sleep(0.1)
        assert not _alive(children)
    finally:
        for pid in _alive([training.pid, *children]):
            os.kill(pid, signal.SIGKILL)
        training.wait()
