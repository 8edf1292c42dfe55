import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmfncontra.apis.ablation.trainings import plan_runs, run_trainings
from mmfncontra.apis.ablation.variants import Variant

TOYS = Path(__file__).parents[2] / 'toys'
SCRIPT = """
import signal, sys
# Started in the background, it would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from test_trainings_at_once import study
from mmfncontra.apis.ablation.trainings import run_trainings
run_trainings(study(sys.argv[2]), sys.argv[2], jobs=2)
"""


def study(out):
    """Four runs that nothing needs to be read for."""
    variants = [Variant('base', 'a.py'), Variant('wide', 'a.py', ('model.generator.width=8',))]
    fake = sys.executable, str(TOYS / 'fake_train.py')
    runs = plan_runs(variants, out, (0, 1), train_command=fake)
    return {run: dict(seed=run.seed, config_hash='', max_iters=4) for run in runs}


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


def starts(out):
    return {
        path.parent.relative_to(out).as_posix(): path.read_text().split()
        for path in sorted(out.rglob('starts.txt'))
    }


ONCE = {f'{name}/seed_{seed}': ['0'] for name in ('base', 'wide') for seed in range(2)}


def test_two_at_a_time(out, monkeypatch, capsys):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(6)))
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5,7')
    monkeypatch.setenv('FAKE_MEET', 'seed_0')  # neither ends before the other has started
    monkeypatch.setenv('FAKE_FAIL', 'base/seed_1')
    records = study(out)
    failures = run_trainings(records, out, jobs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ['run 1 of 4: base, seed 0: starts', 'run 2 of 4: wide, seed 0: starts']
    assert 'run 2 of 4: wide, seed 0: finished' in lines and starts(out) == ONCE
    assert [run.state for run in records] == ['finished', 'finished', 'failed', 'finished']
    assert list(failures) == ['base, seed 1']
    shares = [(run.work_dir / 'ablate.log').read_text().splitlines()[0] for run in records]
    assert {json.loads(share.replace("'", '"'))['OMP_NUM_THREADS'] for share in shares} == {'3'}
    assert ["'5'" in share for share in shares[:2]] == [True, False] and "'7'" in shares[1]

    monkeypatch.delenv('FAKE_FAIL')
    assert run_trainings(records, out, jobs=2) == {}
    assert 'run 3 of 4: base, seed 1: goes on' in capsys.readouterr().out
    assert {run.state for run in records} == {'finished'}


@pytest.fixture
def hanging(out):
    """A study in a process group of its own, whose first two runs hang."""
    process = subprocess.Popen(
        [sys.executable, '-c', SCRIPT, str(Path(__file__).parent), str(out)],
        env={**os.environ, 'FAKE_HANG': 'seed_0'},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while len(list(out.rglob('checkpoint'))) < 2:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


def is_alive(process):
    try:
        return Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ('number', 'code'),
    [(signal.SIGINT, 130), (signal.SIGHUP, 75)],
    ids=['ctrl_c', 'closed_terminal'],
)
def test_told_to_stop(hanging, out, number, code):
    children = [int(word) for word in (out / '.lock').read_text().split()]
    assert len(children) == 2 and all(map(is_alive, children))
    if number == signal.SIGINT:
        os.killpg(hanging.pid, number)
    else:
        hanging.send_signal(number)
    hanging.communicate(timeout=30)
    assert hanging.returncode == code and not any(map(is_alive, children))
    records = study(out)
    assert [run.state for run in records] == ['started', 'started', 'new', 'new']
    assert run_trainings(records, out, jobs=2) == {}
    assert starts(out) == ONCE | {f'{name}/seed_0': ['0', '2'] for name in ('base', 'wide')}


def test_orphans_keep_a_second_study_out(hanging, out):
    hanging.kill()
    hanging.wait()
    children = [int(word) for word in (out / '.lock').read_text().split()]
    os.kill(children[0], signal.SIGKILL)
    with pytest.raises(ValueError, match=r'still runs in .* \(processes \d+ \d+\): wait for it or'):
        run_trainings(study(out), out, jobs=2)
    os.kill(children[1], signal.SIGKILL)
