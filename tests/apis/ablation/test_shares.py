import os

import pytest
import torch

from mmfncontra.apis.ablation.shares import machine_shares


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Eight cores, on which nothing is set."""
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(8)), raising=False)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')


@pytest.mark.parametrize(('jobs', 'threads'), [(2, '4'), (3, '2'), (9, '1')])
def test_cores_are_divided(jobs, threads):
    assert machine_shares(jobs) == [{'OMP_NUM_THREADS': threads}] * jobs


def test_one_training_has_the_machine():
    assert machine_shares(1) == [{}]
    with pytest.raises(ValueError, match='jobs must be a positive integer, got 0'):
        machine_shares(0)


def test_threads_that_are_set_stay(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert machine_shares(2) == [{'OMP_NUM_THREADS': '3'}] * 2


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ('3,1', ['3', '1', '3']),
        ('GPU-8f, MIG-2', ['GPU-8f', 'MIG-2', 'GPU-8f']),
        ('2,-1,0', ['2', '2', '2']),
        ('-1', [None] * 3),
        (None, ['0', '1', '0']),  # two of the machine
    ],
)
def test_gpus_go_round(given, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    if given is None:
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES')
    else:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', given)
    shares = machine_shares(3)
    assert [share.get('CUDA_VISIBLE_DEVICES') for share in shares] == expected
