import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

from mmfncontra.compat.prepare_mmpretrain import prepare_mmpretrain

# The function has the name of its module, and hides it.
module = import_module('mmfncontra.compat.prepare_mmpretrain')
needs_mmpretrain = pytest.mark.skipif(
    find_spec('mmpretrain') is None,
    reason='mmpretrain is not installed: pip install -c requirements/constraints.txt '
    '-r projects/ssl/requirements.txt',
)


def _pretend(monkeypatch, **versions):
    installed = dict(mmpretrain='1.2.0', torch='2.11.0', torchvision='0.26.0', numpy='1.26.4')
    installed |= {'mmengine': '0.10.7', 'mmcv-lite': '2.1.0'} | versions
    prepare_mmpretrain.cache_clear()
    monkeypatch.setattr(module, 'installed_version', installed.get)
    monkeypatch.setattr('mmfncontra.compat.versions.installed_version', installed.get)


@needs_mmpretrain
def test_mmpretrain_imports_in_silence_with_all_its_models():
    code = """
import sys
from mmfncontra.compat.prepare_mmpretrain import prepare_mmpretrain
prepare_mmpretrain()
assert 'mmpretrain' not in sys.modules
from mmpretrain.utils import register_all_modules
register_all_modules()
from mmpretrain.registry import MODELS
assert MODELS.get('MoCo') and MODELS.get('VisionTransformer')
import numpy as np
from mmcv.image import adjust_color
adjust_color(np.zeros((4, 4, 3), np.uint8), alpha=0.5, backend='pillow')
import io, torch
from mmengine.logging import HistoryBuffer
file = io.BytesIO()
torch.save(HistoryBuffer([1.0], [1]), file)
file.seek(0)
assert torch.load(file, weights_only=True).current() == 1.0
assert not [name for name in sys.modules if name.startswith('mmagic')]
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


@pytest.mark.parametrize(
    ('versions', 'said'),
    [
        (dict(mmpretrain=None), r'needs mmpretrain>=1\.2,<1\.3, but it is not installed: pip'),
        (dict(mmpretrain='1.1.1'), r'but 1\.1\.1 is installed: pip install -c .*ssl/requirements'),
        ({'mmcv-lite': None}, r'needs mmcv-lite>=2\.0,<2\.2, but it is not installed'),
        ({'mmcv': '2.2.0'}, r'needs mmcv>=2\.0,<2\.2, but 2\.2\.0 is installed'),
        (dict(torch='2.3.0'), r'needs torch>=2\.6,<2\.12, but 2\.3\.0 is installed'),
    ],
)
def test_versions_that_do_not_work_are_named(monkeypatch, versions, said):
    _pretend(monkeypatch, **versions)
    for _ in range(2):  # a failed check is repeated
        with pytest.raises(ImportError, match=said):
            prepare_mmpretrain()


@pytest.mark.parametrize('absent', [{}, {'mmcv-lite': None, 'mmcv': '2.1.0'}])
def test_full_mmcv_and_a_machine_without_mmagic_will_do(monkeypatch, absent):
    _pretend(monkeypatch, **absent)
    prepare_mmpretrain()
    monkeypatch.setattr(module, 'check_version', lambda *_: pytest.fail('checked again'))
    prepare_mmpretrain()
    prepare_mmpretrain.cache_clear()
