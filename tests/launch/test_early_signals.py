import signal
import subprocess
import sys

import pytest

CODE = """
import signal, sys, threading
from mmfncontra.launch.early_signals import leave_when_told
leave_when_told()
if sys.argv[1] == 'handled':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print('ready', flush=True)
lock = threading.Lock()
lock.acquire()
signal.pause() if sys.argv[1] == 'handled' else lock.acquire()
"""


@pytest.mark.skipif(sys.platform == 'win32', reason='needs signals of POSIX')
@pytest.mark.parametrize(
    ('kind', 'name', 'code'),
    [
        ('waits', 'SIGTERM', 75),
        ('waits', 'SIGUSR1', 75),
        ('waits', 'SIGHUP', 75),
        ('handled', 'SIGTERM', 3),
    ],
)
def test_a_process_leaves_until_something_else_handles_it(kind, name, code):
    process = subprocess.Popen(
        [sys.executable, '-c', CODE, kind], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == 'ready\n'
    process.send_signal(getattr(signal, name))
    assert process.wait(30) == code
