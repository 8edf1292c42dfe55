"""The short form of chaos.py."""

import re
import sys
from pathlib import Path

import pytest
from commands import run_python

CHAOS = Path(__file__).with_name('chaos.py')


@pytest.mark.skipif(sys.platform != 'linux', reason='finds processes in /proc')
def test_a_training_that_is_killed_becomes_what_it_would_have_become():
    done = run_python(
        CHAOS, '--kills=2', '--seed=124', '--iterations=14', '--interval=3', timeout=900
    )
    # One rank, by either signal, and everything at once.
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(
        r'identical: 2 kills \(\d SIGKILL, \d SIGTERM\), \d{3,} tensors equal', last
    ), done.stdout + done.stderr
    assert done.returncode == 0
