import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from commands import run_python
from mmengine.logging import HistoryBuffer, MessageHub

from mmfncontra.checkpoints.safe_globals import allow_training_checkpoints, history_statistic


@pytest.fixture(autouse=True)
def _allowed():
    allow_training_checkpoints()


def _load(path):
    return torch.load(path, weights_only=True)


def test_log_of_a_training_round_trips(tmp_path):
    hub = MessageHub('safe_globals')
    for value in (3.0, 1.0, 2.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('speed', np.float64(1.5))
    hub.update_info('iter', np.int64(7))
    torch.save(dict(message_hub=hub.state_dict()), tmp_path / 'a.pth')

    loaded = _load(tmp_path / 'a.pth')['message_hub']
    buffer = loaded['log_scalars']['train/loss']
    assert isinstance(buffer, HistoryBuffer)
    np.testing.assert_array_equal(buffer.data[0], [3.0, 1.0, 2.0])
    assert (buffer.min(), buffer.max(), buffer.current(), buffer.mean()) == (1, 3, 2, 2)
    assert buffer.statistics('mean', 2) == 1.5
    other = MessageHub('safe_globals_resumed')
    other.load_state_dict(loaded)
    assert other.get_info('iter') == 7


@pytest.mark.parametrize('package', ['numpy.core', 'numpy._core'])
def test_arrays_of_either_numpy(tmp_path, package):
    arrays = [np.ones(3, dtype=t) for t in ('f8', 'f4', 'i8', 'i4', '?')]
    torch.save(dict(a=arrays), tmp_path / 'a.pth')
    with zipfile.ZipFile(tmp_path / 'a.pth') as source:
        files = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(tmp_path / 'b.pth', 'w') as target:
        for name, content in files.items():
            for written in (b'numpy.core.multiarray', b'numpy._core.multiarray'):
                content = content.replace(written, package.encode() + b'.multiarray')
            target.writestr(name, content)
    for loaded, array in zip(_load(tmp_path / 'b.pth')['a'], arrays, strict=True):
        np.testing.assert_array_equal(loaded, array)


class _Call:
    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    'payload',
    [
        _Call(os.system, 'touch {folder}/owned'),
        _Call(eval, '__import__("os").system("touch {folder}/owned")'),
        _Call(getattr, HistoryBuffer, '__init__'),
        _Call(getattr, HistoryBuffer, '__subclasses__'),
        _Call(getattr, _Call(getattr, HistoryBuffer, 'min'), '__globals__'),
        _Call(getattr, np.ndarray, 'tofile'),
        _Call(getattr, {}, 'min'),
    ],
    ids=['system', 'eval', 'init', 'subclasses', 'chain', 'array', 'dict'],
)
def test_anything_else_is_refused(tmp_path, payload):
    function, args = payload.reduced
    payload.reduced = (
        function,
        tuple(a.format(folder=tmp_path) if isinstance(a, str) else a for a in args),
    )
    torch.save(dict(state_dict={}, x=payload), tmp_path / 'a.pth')
    with pytest.raises(pickle.UnpicklingError):
        _load(tmp_path / 'a.pth')
    assert not (tmp_path / 'owned').exists()


def test_plain_getattr_is_not_allowed():
    allowed = [g[0] if isinstance(g, tuple) else g for g in torch.serialization.get_safe_globals()]
    assert getattr not in allowed and history_statistic in allowed
    with pytest.raises(pickle.UnpicklingError, match="refused to look up '__class__'"):
        history_statistic(HistoryBuffer, '__class__')


def test_again_changes_nothing():
    before = set(torch.serialization.get_safe_globals())
    allow_training_checkpoints()
    assert set(torch.serialization.get_safe_globals()) == before


def test_needs_no_mmagic():
    code = (
        'import sys, mmfncontra.apis\n'
        'from mmfncontra.checkpoints.safe_globals import allow_training_checkpoints\n'
        'allow_training_checkpoints()\n'
        'sys.exit("mmagic" in sys.modules)'
    )
    assert run_python('-c', code).returncode == 0
