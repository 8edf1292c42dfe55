import pkgutil
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from mmfncontra.compat import mmcv_ops
from mmfncontra.compat.mmcv_ops import MissingOps, install_mmcv_ops


def test_a_missing_operator_says_what_to_install():
    with pytest.raises(
        NotImplementedError, match=r"'nms' .* pip uninstall mmcv-lite, .*mmcv>=2.0,<2.2"
    ):
        MissingOps().nms(1, two=2)
    assert not hasattr(MissingOps(), '__path__')


def test_installed_where_mmcv_has_no_operators(monkeypatch):
    monkeypatch.delitem(sys.modules, 'mmcv._ext', raising=False)
    monkeypatch.setattr(mmcv_ops, 'find_spec', lambda name: None)
    assert install_mmcv_ops()
    module = sys.modules['mmcv._ext']
    assert isinstance(module, MissingOps)
    assert install_mmcv_ops() and sys.modules['mmcv._ext'] is module
    # What mmengine's runner asks; without a spec it raises ValueError.
    assert pkgutil.find_loader('mmcv._ext') is None


def test_full_mmcv_is_left_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, 'mmcv._ext', raising=False)
    monkeypatch.setattr(mmcv_ops, 'find_spec', lambda name: ModuleSpec(name, object()))
    assert not install_mmcv_ops()
    assert 'mmcv._ext' not in sys.modules

    compiled = ModuleType('mmcv._ext')
    monkeypatch.setitem(sys.modules, 'mmcv._ext', compiled)
    assert not install_mmcv_ops()
    assert sys.modules['mmcv._ext'] is compiled
