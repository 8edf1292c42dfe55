import os

import pytest
import torch

from projects.jobs import run_jobs


def describe(number):
    if number < 0:
        raise ValueError(f'number must be 0 or more, got {number}')
    return number**2, torch.get_num_threads(), os.getpid()


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize('processes', [1, 2, None])
def test_each_job_has_its_result_and_one_thread(processes):
    jobs = {f'job {number}': (number,) for number in range(4)}
    results = dict(run_jobs(describe, jobs, processes))
    assert {name: result[0] for name, result in results.items()} == {
        'job 0': 0, 'job 1': 1, 'job 2': 4, 'job 3': 9,
    }  # fmt: skip
    assert {result[1] for result in results.values()} == {1}
    here = {result[2] for result in results.values()} == {os.getpid()}
    assert here == (processes == 1 or os.cpu_count() == 1)


@pytest.mark.parametrize('processes', [1, 2])
def test_an_error_of_a_job_ends_all(processes):
    jobs = {number: (number,) for number in (1, -2, 3)}
    with pytest.raises(ValueError, match='must be 0 or more, got -2'):
        list(run_jobs(describe, jobs, processes))


def test_without_jobs_there_is_nothing():
    assert list(run_jobs(describe, {})) == []
