import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from mmfncontra.launch import work_dir_lock
from mmfncontra.launch.work_dir_lock import hold_work_dir

HOLDER = """
import os, sys, time
from mmfncontra.launch.work_dir_lock import hold_work_dir
with hold_work_dir(sys.argv[1], wait=0):
    child = os.fork()
    if child == 0:
        time.sleep(60)  # a worker that outlives its parent
    print(os.getpid(), child, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds ``tmp_path / 'run'``: its own id and that of its child."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLDER, tmp_path / 'run'], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    yield pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def _refused(folder, **kwargs):
    with pytest.raises(ValueError) as raised, hold_work_dir(folder, **kwargs):
        pass
    return str(raised.value)


def test_a_second_training_is_refused_and_writes_nothing(holder, tmp_path):
    run = tmp_path / 'run'
    before = {path: path.read_bytes() for path in run.iterdir()}
    assert _refused(run, wait=0) == (
        f'work dir {run} is in use by a training, process {holder[0]} on {socket.gethostname()}: '
        'wait for it or end it, or take another --work-dir'
    )
    assert {path: path.read_bytes() for path in run.iterdir()} == before
    with hold_work_dir(tmp_path / 'other', wait=0):
        pass


def test_the_end_of_the_holder_is_waited_for_and_its_workers_hold_nothing(holder, tmp_path):
    started = time.monotonic()
    signal.signal(signal.SIGALRM, lambda *_: os.kill(holder[0], signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    with hold_work_dir(tmp_path / 'run', wait=30):
        assert time.monotonic() - started >= 0.4
        os.kill(holder[1], 0)  # the worker lives
        assert (tmp_path / 'run' / '.lock').read_text().startswith(f'{os.getpid()} ')


def test_a_file_left_behind_keeps_nobody_out(tmp_path):
    (tmp_path / '.lock').write_text('1 elsewhere\n')
    with hold_work_dir(tmp_path, wait=0):
        assert '1 elsewhere' not in (tmp_path / '.lock').read_text()
    assert (tmp_path / '.lock').read_text() == ''


def test_one_process_holds_a_folder_once_and_again_after_an_error(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path / 'run')
    with pytest.raises(KeyError), hold_work_dir(tmp_path / 'run', wait=0):
        assert f'process {os.getpid()} on' in _refused(tmp_path / 'link')
        other = [sys.executable, '-c', HOLDER, tmp_path / 'run']
        assert 'is in use' in subprocess.run(other, capture_output=True, text=True).stderr
        raise KeyError
    with hold_work_dir(tmp_path / 'run', wait=0):
        pass


@pytest.mark.parametrize(
    ('launcher', 'name'),
    [('pytorch', 'RANK'), ('slurm', 'SLURM_PROCID'), ('mpi', 'OMPI_COMM_WORLD_RANK')],
)
def test_the_first_rank_holds_it_for_all(tmp_path, monkeypatch, launcher, name):
    with hold_work_dir(tmp_path / 'run', launcher):
        monkeypatch.setenv(name, '1')
        with hold_work_dir(tmp_path / 'run', launcher):
            pass
        assert 'is in use' in _refused(tmp_path / 'run')  # no launcher, no rank


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    assert re.fullmatch(
        r'work dir .*/file/run cannot be written \(Not a directory\): .* another --work-dir',
        _refused(tmp_path / 'file' / 'run'),
    )


def test_without_locks_nobody_is_kept_out(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(work_dir_lock.fcntl, 'lockf', refuse)
    with hold_work_dir(tmp_path, wait=0):
        pass
    monkeypatch.setattr(work_dir_lock, 'fcntl', None)
    with hold_work_dir(tmp_path / 'none'):
        assert not (tmp_path / 'none').exists()
