"""The short form of chaos.py."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name('chaos.py')


@pytest.mark.skipif(sys.platform != 'linux', reason='finds processes in /proc')
def test_a_training_that_is_killed_becomes_what_it_would_have_become():
    done = subprocess.run(
        [sys.executable, CHAOS, '--kills=2', '--seed=124', '--iterations=14', '--interval=3'],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    # One rank, by either signal, and everything at once.
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(
        r'identical: 2 kills \(\d SIGKILL, \d SIGTERM\), \d{3,} tensors equal', last
    ), done.stdout + done.stderr
    assert done.returncode == 0
