"""How checks are run: alone or side by side, ended when late, heard when they fail."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from acceptance.run import Run, read_lines
from acceptance.schedule import Check, run_checks


def good(run):
    run.emit(found=1)


def raises(run):
    run.emit(found=1)
    raise ValueError('two\nlines')


def crashes(run):
    run.emit(found=1)
    os.kill(os.getpid(), signal.SIGSEGV)


def silent(run):
    pass


def hangs(run):
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    run.emit(child=child.pid)
    child.wait()


def takes_a_while(run):
    began = time.monotonic()
    time.sleep(0.5)
    run.emit(span=[began, time.monotonic()])


@pytest.fixture
def base(tmp_path):
    now = time.monotonic()
    (tmp_path / 'work').mkdir()
    return Run(tmp_path / 'x.jsonl', tmp_path, tmp_path / 'work', 'cpu', False, now, until=now + 60)


def ran(base, *checks):
    run_checks(checks, base)
    return read_lines(base.results)


def test_a_good_one(base):
    first, last = ran(base, Check('good', good, 20))
    assert first.items() >= dict(check='good', found=1).items()
    assert last['ended'] == 'done' and last['seconds'] < 20 and 'fine' not in last
    assert '######## good' in (base.files / 'log.txt').read_text()


def test_one_that_raises(base):
    _, said, last = ran(base, Check('raises', raises, 20))
    assert said['fine'] is False and said['error'] == 'ValueError: two lines'
    assert last['ended'] == 'failed'
    assert 'Traceback' in (base.files / 'log.txt').read_text()


def test_one_that_crashes_or_says_nothing(base):
    *_, crashed, quiet = ran(base, Check('crashes', crashes, 20), Check('silent', silent, 20))
    assert crashed['fine'] is False and crashed['exit_code'] == -signal.SIGSEGV
    assert quiet['fine'] is False and quiet['error'] == 'it said nothing'


def test_one_that_is_late_is_killed_with_what_it_started(base):
    began = time.monotonic()
    said, last = ran(base, Check('hangs', hangs, 1))
    assert time.monotonic() - began < 20
    assert last['ended'] == 'late' and last['fine'] is False
    for _ in range(100):  # whoever inherits it may take a moment to bury it
        if not alive(said['child']):
            return
        time.sleep(0.05)
    pytest.fail('its child goes on')


def alive(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def test_only_those_that_time_nothing_share_the_device(base):
    shared = [Check(f'shared {i}', takes_a_while, 20, alone=False) for i in range(2)]
    alone = [Check(f'alone {i}', takes_a_while, 20) for i in range(2)]
    lines = ran(base, alone[0], *shared, alone[1])
    spans = {line['check']: line['span'] for line in lines if 'span' in line}

    def together(a, b):
        return spans[a][0] < spans[b][1] and spans[b][0] < spans[a][1]

    assert together('shared 0', 'shared 1')
    pairs = [(a, b) for a in spans for b in spans if a < b and 'alone' in a + b]
    assert len(pairs) == 5 and not any(together(a, b) for a, b in pairs)


def test_what_the_time_does_not_allow_is_named(base):
    (line,) = ran(replace(base, until=time.monotonic() + 2), Check('good', good, 20))
    assert line['ended'] == 'not begun' and line['fine'] is False


@pytest.fixture
def acceptance(tmp_path, monkeypatch):
    """The command, with checks of ours and without the seconds that imports take."""
    import gpu_acceptance

    monkeypatch.setattr(gpu_acceptance, '_import_all', lambda: None)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*checks):
        monkeypatch.setattr('acceptance.table.CHECKS', checks)
        monkeypatch.setattr(sys, 'argv', ['x', '--dry-run', '--out', str(tmp_path / 'x.jsonl')])
        return gpu_acceptance.main()

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_exit_codes_are_of_this_run(acceptance, tmp_path, capfd):
    assert acceptance(Check('good', good, 20), Check('raises', raises, 20)) == 1
    assert '2 of something wrong' in capfd.readouterr().out
    before = (tmp_path / 'x.jsonl').read_text()
    assert acceptance(Check('good', good, 20)) == 0
    assert (tmp_path / 'x.jsonl').read_text().startswith(before)
    lines = [json.loads(x) for x in (tmp_path / 'x.jsonl').read_text().splitlines()]
    assert [line['check'] for line in lines].count('run') == 2
    assert acceptance(Check('hangs', hangs, 0.2)) == 1
