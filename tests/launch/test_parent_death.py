"""What is done without a launcher; the rest: test_elastic_launch.py."""

import multiprocessing
import os
import signal

from mmfncontra.launch.contract import LAUNCHER_VARIABLE
from mmfncontra.launch.parent_death import leave_with_parent


def test_changes_nothing_without_a_launcher():
    assert not leave_with_parent('none')


def test_a_parent_that_is_dead_already(monkeypatch):
    monkeypatch.setenv(LAUNCHER_VARIABLE, str(os.getppid()))  # not the parent of the child below

    process = multiprocessing.get_context('fork').Process(
        target=leave_with_parent, args=('pytorch', signal.SIGKILL)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
