"""That the stand-in catches what it is for, each kind of misdeed by itself."""

import json
import sys
from pathlib import Path

import pytest
import toolchain
import torch
from commands import run_python

MISDEEDS = Path(__file__).with_name('misdeeds.py')
LINES = MISDEEDS.read_text().splitlines()
# What the host does for a value: function, op, the line that is to be named, what is counted.
WAITS = [
    ('python_number', 'aten._local_scalar_dense.default', '.item()', 'd2h_pinned'),
    ('copy_to_the_host', 'aten._to_copy.default', '.cpu()', 'd2h_pageable'),
    ('new_number', None, 'torch.tensor(1.0', 'h2d_pageable'),
    ('indices', 'aten.nonzero.default', '.nonzero()', 'd2h_pinned'),
    ('boolean_mask', 'aten.index.Tensor', 'X[X > 0]', 'd2h_pinned'),
    ('branch', 'aten._local_scalar_dense.default', 'if X.any()', 'd2h_pinned'),
    ('wait_in_a_backward_pass', 'aten._local_scalar_dense.default', 'return grad *', 'd2h_pinned'),
]
WAITS_ALONE = [
    ('wait_for_the_device', 'torch.cuda.synchronize()', 'device_sync'),
    ('wait_for_an_event', 'event.synchronize()', 'event_sync'),
]
ERRORS = [
    ('devices_that_differ', 'Expected all tensors to be on the same device'),
    ('two_dtypes', 'expected mat1 and mat2 to have the same dtype'),
    ('not_deterministic', '_bincount_cuda does not have a deterministic implementation'),
]
OTHERS = [
    *('pageable', 'pinned', 'sum_of_two', 'clean', 'clean_graph', 'wait_in_a_graph'),
    *('pageable_in_a_graph', 'pinned_in_a_graph', 'another_stream_in_a_graph'),
]


@pytest.fixture(scope='module')
def seen(stand_in):
    """What was seen of each function of misdeeds.py."""
    names = [name for name, *_ in (*WAITS, *WAITS_ALONE, *ERRORS)] + OTHERS
    child = run_python(MISDEEDS, *names, **stand_in)
    assert child.returncode == 0, child.stderr
    results = [json.loads(line) for line in child.stdout.splitlines()]
    return {result['name']: result for result in results}


def counted(result):
    return {name: count for name, count in result['counts'].items() if count}


def line_of(event):
    path, _, number = event['where'][0].partition(':')
    assert path == 'tests/cuda_stand_in/misdeeds.py'
    return LINES[int(number) - 1]


@pytest.mark.parametrize('name, op, line, copy', WAITS, ids=[wait[0] for wait in WAITS])
def test_value_on_the_host_is_a_copy_and_a_wait(name, op, line, copy, seen):
    result = seen[name]
    assert result['error'] is None
    assert [event['what'] for event in result['events']] == [copy, 'stream_sync']
    for event in result['events']:
        assert event['op'] == op
        assert line in line_of(event)


@pytest.mark.parametrize('name, line, count', WAITS_ALONE)
def test_wait_is_seen_outside_of_ops(name, line, count, seen):
    (event,) = seen[name]['events']
    assert (event['what'], event['op']) == (count, None)
    assert line in line_of(event)


def test_caller_of_a_backward_pass_is_named(seen):
    event = seen['wait_in_a_backward_pass']['events'][0]
    number = int(event['where'][1].partition(':')[2])
    assert '.backward()' in LINES[number - 1]


@pytest.mark.parametrize('name, message', ERRORS)
def test_torchs_own_checks_are_those_of_a_gpu(name, message, seen):
    assert seen[name]['error'].startswith(message)
    assert not seen[name]['events']


@pytest.mark.parametrize('name', ['pageable', 'pinned'])
def test_copies_from_pinned_memory_are_told_apart(name, seen):
    (event,) = seen[name]['events']
    assert (event['what'], event['bytes']) == (f'h2d_{name}', 3 * 4)


def test_sum_is_one_launch(seen):
    result = seen['sum_of_two']
    assert counted(result) == dict(launches=1)
    assert result['launches'] == {'aten.add.Tensor': 1}


def test_nothing_is_seen_of_what_stays_on_the_device(seen):
    result = seen['clean']
    assert result['error'] is None and not result['events']
    assert result['counts']['launches'] > 5 and result['counts']['blas'] == 3


def test_recorded_launches_are_replayed_as_one(seen):
    result = seen['clean_graph']
    assert result['error'] is None
    # Torch waits before it begins to record.
    assert [event['what'] for event in result['events']] == ['device_sync']
    assert result['counts']['launches_captured'] > 5
    assert result['counts']['graph_launches'] == 1
    assert result['counts']['capture_errors'] == 0


def test_wait_breaks_a_recording(seen):
    result = seen['wait_in_a_graph']
    assert 'operation failed due to a previous error during capture' in result['error']
    (event,) = (event for event in result['events'] if event['what'] == 'capture_errors')
    assert event['op'] == 'aten._local_scalar_dense.default'
    assert '.item()' in line_of(event)


def test_host_memory_in_a_recording_is_refused_or_seen(seen):
    error = seen['pageable_in_a_graph']['error']
    assert 'Cannot copy between CPU and CUDA tensors during CUDA graph capture' in error
    # Legal, but a replay would read this memory again.
    assert seen['pinned_in_a_graph']['error'] is None
    assert seen['pinned_in_a_graph']['counts']['h2d_pinned'] == 1


def test_launch_beside_a_recording_is_seen(seen):
    result = seen['another_stream_in_a_graph']
    assert result['error'] is None
    (event,) = (e for e in result['events'] if e['what'] == 'launches_beside_capture')
    assert event['op'] == 'aten.add.Tensor'
    assert 'X + X' in line_of(event)


@pytest.mark.parametrize(
    'where, name, value, reason',
    [
        (sys, 'platform', 'darwin', 'preloaded, which needs Linux, and this is darwin'),
        (torch.version, 'cuda', None, 'for a torch with CUDA'),
        (torch.version, 'cuda', '12.6', 'written for CUDA 13, and this torch is one for 12.6'),
        (toolchain, '_HEADERS', Path('nowhere'), 'compiled with the headers of CUDA'),
        (toolchain.shutil, 'which', lambda name: None, 'and there is no gcc here'),
    ],
    ids=['system', 'cpu', 'version', 'headers', 'compiler'],
)
def test_what_prevents_building_is_said_in_a_sentence(
    where, name, value, reason, stand_in, tmp_path, monkeypatch
):
    monkeypatch.setattr(where, name, value)
    with pytest.raises(toolchain.CannotBuild, match=reason):
        toolchain.build(tmp_path)
