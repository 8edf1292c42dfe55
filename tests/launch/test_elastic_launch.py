"""The launcher with two ranks that only say what they are told."""

import multiprocessing
import os
import re
import signal
import socket
import sys
import time

import pytest

from mmfncontra.launch.elastic_launch import exit_code, launch

# rank.py WHAT FOLDER: hears signals, then does as WHAT says.
RANK = """
import os, signal, sys, time
from pathlib import Path
what, folder = sys.argv[1], Path(sys.argv[2])
rank, restarts = int(os.environ['RANK']), int(os.environ['TORCHELASTIC_RESTART_COUNT'])
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
    signal.signal(number, lambda number, frame: got.append(number))
if what == 'orphan':
    from mmfncontra.launch.parent_death import leave_with_parent
    leave_with_parent('pytorch')
(folder / f'pid{rank}').write_text(str(os.getpid()))
if what == 'fail' and rank == 1 and restarts < 1:
    os.kill(os.getpid(), signal.SIGKILL)
if what == 'mistake':
    Path(os.environ['TORCHELASTIC_ERROR_FILE']).write_text('{"message": "no such file"}')
    sys.exit(2)
while not got and what != 'fail':
    time.sleep(0.01)
while what == 'deaf':
    time.sleep(0.01)
time.sleep(0.5 * rank)  # the first one to leave does not end the other
(folder / f'got{rank}').write_text(f'{sorted(map(int, got))} {restarts}')
sys.exit(0 if what == 'fail' else 130 if signal.SIGINT in got else 75)
"""
PLACE = ['--rdzv-backend=c10d', '--rdzv-endpoint=localhost:0', '--rdzv-id=test']


@pytest.fixture
def start(tmp_path):
    """Launch two ranks; also a process group of its own."""
    (tmp_path / 'rank.py').write_text(RANK)
    started = []

    def run(what, *options, **env):
        def body():
            os.setsid()
            os.environ.update(env)
            command = [*options, '--nproc-per-node=2', f'{tmp_path}/rank.py', what, str(tmp_path)]
            os._exit(launch(command if '--master-port' in options else [*PLACE, *command]))

        process = multiprocessing.get_context('fork').Process(target=body)
        process.start()
        started.append(process)
        return process

    yield run
    for process in started:
        if process.is_alive():
            process.kill()
        process.join()


def wait_for(*paths):
    end = time.monotonic() + 60
    while not all(path.exists() and path.read_text() for path in paths):
        assert time.monotonic() < end, paths
        time.sleep(0.01)


def joined(process):
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize(
    ('number', 'code'),
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGHUP, 75), (signal.SIGINT, 130)],
)
def test_every_rank_is_told_once_and_may_save(start, tmp_path, capfd, number, code):
    process = start('save', '--max-restarts=2')
    wait_for(tmp_path / 'pid0', tmp_path / 'pid1')
    if number == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid, number)
    assert joined(process) == code
    for rank in range(2):
        assert (tmp_path / f'got{rank}').read_text() == f'[{int(number)}] 0'
    assert capfd.readouterr().err == ''


def test_a_rank_that_fails_has_all_of_them_started_again(start, tmp_path, capfd):
    assert joined(start('fail', '--max-restarts=1')) == 0
    assert [(tmp_path / f'got{rank}').read_text() for rank in range(2)] == ['[] 1'] * 2
    assert capfd.readouterr().err == 'rank 1 was killed by SIGKILL; restart 1 of all ranks\n'
    assert joined(start('fail', '--max-restarts=0')) == 1
    errors = capfd.readouterr().err
    assert errors == 'error: rank 1 was killed by SIGKILL: see its messages above\n'


def test_a_mistake_is_said_once_and_not_repeated(start, capfd):
    assert joined(start('mistake', '--max-restarts=3')) == 2
    assert capfd.readouterr().err == 'error: no such file\n'


def test_ranks_that_do_not_leave_are_killed_in_the_end(start, tmp_path, capfd):
    process = start('deaf', GRACE='0.3')
    wait_for(tmp_path / 'pid0', tmp_path / 'pid1')
    os.kill(process.pid, signal.SIGTERM)
    assert joined(process) == 1
    assert 'rank 0 was killed by SIGKILL' in capfd.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='asks the Linux kernel')
def test_ranks_leave_when_the_launcher_is_killed(start, tmp_path):
    process = start('orphan')
    wait_for(tmp_path / 'pid0', tmp_path / 'pid1')
    process.kill()
    wait_for(tmp_path / 'got0', tmp_path / 'got1')
    # Once for each thread of the launcher that they become children of.
    assert re.fullmatch(r'\[15(, 15)*\] 0', (tmp_path / 'got0').read_text())


def test_a_port_that_is_taken(start, capfd):
    with socket.socket() as taken:
        taken.bind(('', 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert joined(start('save', '--master-port', str(port))) == 2
    assert capfd.readouterr().err == f'error: port {port} is taken: set PORT to a free one\n'


@pytest.mark.parametrize(
    ('codes', 'expected'),
    [
        ([75, 75], 75),
        ([75], 75),
        ([75, -15], 75),  # told once more on its way out
        ([75, 130], 130),
        ([75, -9], 1),
        ([75, 1], 1),
        ([-15, -15], 75),
        ([2, -15], 2),
        ([2, 2], 2),
        ([-11], 1),
    ],
)
def test_exit_code(codes, expected):
    assert exit_code(codes) == expected
