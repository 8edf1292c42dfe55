import os
import subprocess
import sys

import numpy as np
import pytest

from mmfncontra.compat import prepare_mmagic as prepare
from mmfncontra.compat.prepare_mmagic import prepare_mmagic


def test_mmagic_imports_in_silence_and_its_cpu_operators_work():
    code = """
import sys
from mmfncontra.compat.prepare_mmagic import prepare_mmagic
prepare_mmagic()
assert 'mmagic' not in sys.modules
import mmagic.models
import torch
from mmcv.ops import upfirdn2d
kernel = torch.ones(2, 2) / 4
x = torch.rand(1, 1, 4, 4)
expected = torch.nn.functional.conv2d(x, kernel[None, None])
torch.testing.assert_close(upfirdn2d(x, kernel), expected)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def test_twice_is_once(monkeypatch):
    prepare_mmagic()
    monkeypatch.setattr(prepare, 'check_versions', lambda: pytest.fail('checked again'))
    prepare_mmagic()


def test_a_failed_check_is_repeated(monkeypatch):
    def fail():
        raise ImportError('diffusers')

    prepare_mmagic.cache_clear()
    monkeypatch.setattr(prepare, 'check_versions', fail)
    for _ in range(2):
        with pytest.raises(ImportError, match='diffusers'):
            prepare_mmagic()


@pytest.mark.parametrize(('version', 'added'), [('1.26.4', False), ('2.3.0', True)])
def test_numpy_2_gets_bool8(monkeypatch, version, added):
    class Numpy:
        """numpy of another version."""

        __version__ = version

        def __getattr__(self, name):
            if name == 'bool8':
                raise AttributeError(name)
            return getattr(np, name)

    numpy = Numpy()
    monkeypatch.setitem(sys.modules, 'numpy', numpy)
    monkeypatch.delenv('NO_ALBUMENTATIONS_UPDATE', raising=False)
    prepare_mmagic.__wrapped__()
    assert getattr(numpy, 'bool8', None) is (np.bool_ if added else None)
    assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == '1'
