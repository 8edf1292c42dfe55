import subprocess
import sys

import pytest
import torch

from mmfncontra.config.check import check_values
from mmfncontra.engine.machine_settings import apply_settings, keep_freed_memory
from mmfncontra.evaluation.features.reproducible import reproducible


@pytest.fixture(autouse=True)
def _restore():
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, torch.get_num_threads()
    yield
    matmul.allow_tf32, cudnn.allow_tf32 = before[:2]
    torch.set_num_threads(before[2])


@pytest.mark.parametrize('wanted', [True, False])
def test_tf32(wanted):
    apply_settings(dict(tf32=wanted))
    assert torch.backends.cuda.matmul.allow_tf32 is wanted
    assert torch.backends.cudnn.allow_tf32 is wanted


def test_tf32_can_be_switched_after_an_evaluation():
    """Torch refuses to answer where its old and its new switches were mixed."""
    for wanted in (True, False, True):
        apply_settings(dict(tf32=wanted))
        with reproducible():
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cuda.matmul.allow_tf32 is wanted
        assert torch.backends.cudnn.allow_tf32 is wanted


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, 'matmul'), reason='torch < 2.9')
def test_an_evaluation_is_exact_on_the_cpu_too_and_leaves_it_as_it_was():
    backend = torch.backends.mkldnn.matmul
    before = backend.fp32_precision
    backend.fp32_precision = 'bf16'
    try:
        with reproducible():
            assert backend.fp32_precision == 'ieee'
        assert backend.fp32_precision == 'bf16'
    finally:
        backend.fp32_precision = before


def test_num_threads():
    before = torch.get_num_threads()
    apply_settings(dict(num_threads=None))
    assert torch.get_num_threads() == before
    apply_settings(dict(num_threads=before + 1))
    assert torch.get_num_threads() == before + 1


@pytest.mark.parametrize(
    ('device', 'wanted', 'kept'), [('cpu', True, 1), ('cpu', False, 0), ('cuda', True, 0)]
)
def test_memory_is_kept_on_the_cpu_alone(device, wanted, kept, monkeypatch):
    calls = []
    module = 'mmfncontra.engine.machine_settings'
    monkeypatch.setattr(f'{module}.keep_freed_memory', lambda: calls.append(1))
    monkeypatch.setattr(f'{module}.get_device', lambda: device)
    apply_settings(dict(keep_freed_memory=wanted))
    assert len(calls) == kept


def test_accepts_what_mmengine_reads():
    env_cfg = dict(cudnn_benchmark=True, mp_cfg={}, dist_cfg={}, resource_limit=1, tf32=None)
    check_values(dict(env_cfg=env_cfg))


@pytest.mark.parametrize(
    ('env_cfg', 'message'),
    [
        (
            dict(tf23=True),
            r"^env_cfg must have keys of cudnn_benchmark, .* got 'tf23'; did you mean tf32\?$",
        ),
        (dict(tf32='yes'), r"^env_cfg\.tf32 must be True or False, got 'yes'$"),
        (dict(keep_freed_memory=1), r'^env_cfg\.keep_freed_memory must be True or False, got 1$'),
        (dict(num_threads=0), r'^env_cfg\.num_threads must be a positive integer, got 0$'),
    ],
)
def test_refuses(env_cfg, message):
    with pytest.raises(ValueError, match=message):
        check_values(dict(env_cfg=env_cfg))


def test_a_library_without_the_settings_is_left_alone(monkeypatch):
    class Musl:
        def mallopt(self, name, value):
            raise AssertionError('called')

    monkeypatch.setattr('ctypes.CDLL', lambda name: Musl())
    assert keep_freed_memory() is False


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='counts pages as Linux does')
def test_freed_memory_is_taken_again():
    # In a process of its own: the setting cannot be taken back.
    code = """
import resource, sys, torch
from mmfncontra.engine.machine_settings import keep_freed_memory
if not keep_freed_memory():
    print('no glibc')
    sys.exit()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):  # until the holes that small blocks leave are filled
    torch.zeros(9 << 20)
before = faults()
for _ in range(10):
    torch.zeros(9 << 20)
print(faults() - before)
"""
    out = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout.strip()
    if out == 'no glibc':
        pytest.skip(out)
    assert int(out) < 10 * 4608  # half of the pages, 4 kB each, that ten new blocks have
