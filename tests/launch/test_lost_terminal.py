import os
import pty
import signal
import subprocess
import sys

import pytest

from mmfncontra.launch.contract import STOP_SIGNALS, heard_signals
from mmfncontra.launch.lost_terminal import leave_lost_terminal
from mmfncontra.launch.stop_signals import Stopped, StopSignals

pytestmark = pytest.mark.skipif(not hasattr(signal, 'SIGHUP'), reason='needs SIGHUP')


@pytest.fixture
def ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_ends_a_training_as_a_preemption_does():
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.ask() == signal.SIGHUP
    assert Stopped(signal.SIGHUP, 3).exit_code == 75


def test_nohup_is_obeyed(ignored):
    assert set(STOP_SIGNALS) - set(heard_signals()) == {signal.SIGHUP}
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.ask() == 0


# Hears the hang-up, prints, and writes down how that went.
CODE = """
import os, sys, time
from pathlib import Path
from mmfncontra.launch.stop_signals import StopSignals
with StopSignals() as signals:
    print('ready', flush=True)
    while not signals.ask():
        time.sleep(0.01)
    print('saved', flush=True)
    print('saved', file=sys.stderr, flush=True)
Path(sys.argv[1]).write_text('went on', encoding='utf-8')
"""


def test_what_is_printed_to_a_closed_terminal_is_no_error(tmp_path):
    master, terminal = pty.openpty()
    # Of a session of its own, whose terminal this is.
    start = f'import os, fcntl, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0)\n{CODE}'
    process = subprocess.Popen(
        [sys.executable, '-c', start, str(tmp_path / 'written')],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    assert os.read(master, 100).strip() == b'ready'
    os.close(master)
    assert process.wait(60) == 0
    assert (tmp_path / 'written').read_text(encoding='utf-8') == 'went on'


@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGTERM])
def test_files_are_written_to_as_before(number, capfd):
    leave_lost_terminal(number)
    os.write(1, b'to a file')
    assert capfd.readouterr().out == 'to a file'
