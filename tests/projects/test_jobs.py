import os
import time
from argparse import ArgumentParser

import pytest
import torch

from projects.jobs import add_jobs_option, default_jobs, run_jobs


def describe(number):
    if number < 0:
        raise ValueError(f'number must be 0 or more, got {number}')
    return number**2, torch.get_num_threads(), os.getpid()


def fail_at_once_or_take_long(number, folder):
    (folder / f'begun {number}').touch()
    if number == 0:
        raise ValueError('the first one fails')
    time.sleep(0.3)
    (folder / f'ended {number}').touch()


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize('processes', [1, 2])
def test_each_job_has_its_result_and_one_thread(processes, monkeypatch):
    # What another process would take unless told otherwise, on a machine of one core as well.
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    torch.set_num_threads(2)
    jobs = {f'job {number}': (number,) for number in range(4)}
    results = dict(run_jobs(describe, jobs, processes))
    assert {name: result[0] for name, result in results.items()} == {
        'job 0': 0, 'job 1': 1, 'job 2': 4, 'job 3': 9,
    }  # fmt: skip
    assert {result[1] for result in results.values()} == {1}
    assert ({result[2] for result in results.values()} == {os.getpid()}) == (processes == 1)


def test_a_single_job_needs_no_other_process():
    assert dict(run_jobs(describe, {'only': (3,)}, 8)) == {'only': (9, 1, os.getpid())}


@pytest.mark.parametrize('last', [3, -3])
def test_the_caller_has_its_threads_again_afterwards(last):
    torch.set_num_threads(3)
    try:
        list(run_jobs(describe, {number: (number,) for number in (1, last)}, 1))
    except ValueError:
        assert last < 0
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize('processes', [1, 2])
def test_after_an_error_what_runs_ends_and_no_other_job_begins(processes, tmp_path):
    jobs = {number: (number, tmp_path) for number in range(6)}
    with pytest.raises(ValueError, match='the first one fails'):
        list(run_jobs(fail_at_once_or_take_long, jobs, processes))
    begun, ended = (
        {file.name.split()[1] for file in tmp_path.glob(f'{what} *')} for what in ('begun', 'ended')
    )
    assert begun - ended == {'0'}
    assert len(begun) <= processes


@pytest.mark.parametrize('processes', [1, 2])
def test_without_jobs_there_is_nothing(processes):
    assert list(run_jobs(describe, {}, processes)) == []


@pytest.mark.parametrize(('cores', 'jobs'), [(1, 1), (3, 3), (8, 8), (20, 8)])
def test_by_default_each_core_that_may_be_used_has_a_job_up_to_8(cores, jobs, monkeypatch):
    monkeypatch.setattr(os, 'cpu_count', lambda: 64)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(cores)), raising=False)
    assert default_jobs() == jobs


@pytest.mark.parametrize(('cores', 'jobs'), [(None, 1), (3, 3), (20, 8)])
def test_where_nothing_tells_those_all_cores_count(cores, jobs, monkeypatch):
    monkeypatch.delattr(os, 'sched_getaffinity', raising=False)
    monkeypatch.setattr(os, 'cpu_count', lambda: cores)
    assert default_jobs() == jobs


@pytest.mark.parametrize(('words', 'wanted'), [([], 3), (['--jobs', '5'], 5)])
def test_option(monkeypatch, words, wanted):
    monkeypatch.setattr('projects.jobs.default_jobs', lambda: 3)
    parser = ArgumentParser()
    add_jobs_option(parser)
    assert parser.parse_args(words).jobs == wanted


@pytest.mark.parametrize(
    ('text', 'said'), [('0', '--jobs must be 1 or more, got 0'), ('two', "'two'")]
)
def test_option_refuses(capsys, text, said):
    parser = ArgumentParser()
    add_jobs_option(parser)
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['--jobs', text])
    assert said in capsys.readouterr().err
