import os
import signal
import sys
import time
from pathlib import Path

import pytest
from fake_slurm import FakeSlurm
from test_trainings_at_once import starts, study

from mmfncontra.apis.ablation.run import AblationRun
from mmfncontra.apis.ablation.slurm_array import ArrayTask, submit_trainings
from mmfncontra.apis.ablation.slurm_queue import queued_runs
from mmfncontra.apis.ablation.trainings import run_trainings
from mmfncontra.apis.ablation.variants import Variant

submitit = pytest.importorskip('submitit', reason='submitit is not installed')
OPTIONS = ['timeout_min=60', 'partition=gpu', 'gpus_per_node=1', 'setup=[umask 022]']


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    return FakeSlurm(tmp_path / 'cluster', monkeypatch)


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


def states(records):
    return [run.state for run in records]


def descendants(process):
    children = Path(f'/proc/{process}/task/{process}/children').read_text().split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def test_an_array_job(slurm, out, monkeypatch, capsys):
    records = study(out)
    first = dict(list(records.items())[:1])
    assert list(submit_trainings(first, out, OPTIONS).values()) == ['job 11, submitted']
    waiting = submit_trainings(records, out, OPTIONS, jobs=2)
    assert 'base, seed 0: in the queue already: job 11, PENDING' in capsys.readouterr().out
    assert list(waiting.values())[1:] == [f'job 12_{i}, submitted' for i in range(3)]
    told = slurm.options('12')
    assert (told['array'], told['partition'], told['time']) == ('0-2%2', 'gpu', '60')
    assert (told['gpus-per-node'], told['job-name']) == ('1', 'ablate-out')
    assert slurm.queue() == ['11', '12_0', '12_1', '12_2']

    # Nothing is trained in two places.
    with pytest.raises(ValueError, match=r'has 4 runs of .* \(job 11, job 12\).* scancel 11 12'):
        run_trainings(records, out)
    assert set(submit_trainings(records, out, OPTIONS)) == set(records)
    assert slurm.queue() == ['11', '12_0', '12_1', '12_2'] and set(states(records)) == {'new'}

    monkeypatch.setenv('FAKE_FAIL', 'wide/seed_1')
    assert sorted(slurm.run()) == [0, 0, 0, 1] and not queued_runs(records, out)
    assert states(records) == ['finished'] * 3 + ['failed']
    assert 'exit code 2: error: no room' in list(records)[3].failure
    monkeypatch.delenv('FAKE_FAIL')
    assert list(submit_trainings(records, out, OPTIONS).values()) == ['job 13, submitted']
    # Meanwhile it may be finished.
    list(records)[3].write_record(**records[list(records)[3]], finished=True)
    assert slurm.run() == [0] and starts(out)['wide/seed_1'] == ['0']
    assert submit_trainings(records, out, OPTIONS) == {}


def test_a_job_whose_time_is_over_goes_on(slurm, out, monkeypatch):
    records = dict(list(study(out).items())[:1])
    submit_trainings(records, out, OPTIONS)
    monkeypatch.setenv('FAKE_HANG', '')
    job = slurm.start('11')
    checkpoint = out / 'base/seed_0/checkpoint'
    end = time.monotonic() + 60
    while not checkpoint.exists():
        assert time.monotonic() < end and job.poll() is None
        time.sleep(0.02)
    # All of a job but its shell hear the signal.
    told = descendants(job.pid)
    assert len(told) == 2
    for process in told:
        os.kill(process, signal.SIGUSR2)
    job.communicate(timeout=60)
    assert slurm.queue() == ['11'] and states(records) == ['started']
    monkeypatch.delenv('FAKE_HANG')
    assert slurm.run() == [0] and states(records) == ['finished']
    assert starts(out) == {'base/seed_0': ['0', '2']}


def test_a_training_that_was_told_by_slurm_itself(slurm, out, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SLURM_JOB_ID', '11_0')
    command = 'sh', '-c', 'echo saved after iteration 3; exit 75'
    run = AblationRun(Variant('a', 'a.py'), 0, out / 'a/seed_0', command)
    task = ArrayTask(run, dict(seed=0, config_hash='', max_iters=4), tmp_path)
    task()
    assert slurm.queue() == ['11_0'] and run.state == 'started'
    monkeypatch.setenv('FAKE_SLURM', '/nowhere')  # which takes no job back
    with pytest.raises(RuntimeError, match='exit code 75: saved after iteration 3'):
        task()
    assert run.state == 'failed'


def test_what_keeps_slurm_from_it(slurm, out, monkeypatch):
    records = study(out)
    for option, said in {
        'timeout_min=an hour': 'timeout_min.* expected type .*int',
        'partion=gpu': "Unknown argument 'partion'",
        'nodes=2': 'takes no nodes: a training is one process',
        'partition=[': 'is no YAML',
        'setup=module load cuda': 'setup is a list of shell lines',
    }.items():
        with pytest.raises(ValueError, match=f'--slurm.*{said}'):
            submit_trainings(records, out, ['timeout_min=60', option])
    monkeypatch.setenv('SBATCH_REFUSES', 'invalid partition specified: gpu')
    with pytest.raises(ValueError, match=r'Slurm refuses the jobs: .*invalid partition'):
        submit_trainings(records, out, OPTIONS)
    monkeypatch.delenv('SBATCH_REFUSES')
    assert set(states(records)) == {'new'} and not slurm.queue()
    submit_trainings(records, out, OPTIONS)
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(ValueError, match=r'no squeue here to ask .* remove .*slurm/jobs\.json'):
        run_trainings(records, out)
    with pytest.raises(ValueError, match='--slurm needs Slurm: there is no srun here'):
        submit_trainings(records, out, OPTIONS)
    monkeypatch.setitem(sys.modules, 'submitit', None)
    with pytest.raises(ImportError, match='--slurm needs submitit: pip install submitit'):
        submit_trainings(records, out, OPTIONS)
