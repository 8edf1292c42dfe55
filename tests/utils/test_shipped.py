from pathlib import Path

import pytest
from commands import CONFIGS, ROOT

from mmfncontra.utils import shipped


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package that is installed, with a config inside."""
    config = tmp_path / '.mim' / 'configs' / 'fastgan' / 'a.py'
    config.parent.mkdir(parents=True)
    config.write_text('')
    monkeypatch.setattr(shipped, '_IN_WHEEL', tmp_path / '.mim')
    return config


def test_in_a_checkout():
    assert shipped.checkout() == ROOT and shipped.shipped_configs() == CONFIGS
    path = CONFIGS / 'fncontra' / 'fastgan.py'
    assert shipped.find_shipped('fncontra/fastgan.py') == path
    assert shipped.shipped_name(path) == 'configs/fncontra/fastgan.py'


def test_in_a_wheel(wheel):
    assert shipped.checkout() is None and shipped.shipped_configs() == wheel.parents[1]
    for name in ('fastgan/a.py', 'configs/fastgan/a.py'):
        assert shipped.find_shipped(name) == wheel
    assert shipped.shipped_name(wheel) == 'fastgan/a.py'
    assert shipped.shipped_name('mine/a.py') == 'mine/a.py'


@pytest.mark.parametrize('name', ['', 'fastgan', 'nowhere.py', '../fastgan/a.py', 'configs'])
def test_what_is_no_config_of_the_package(wheel, name):
    assert shipped.find_shipped(name) is None
    assert shipped.find_shipped(Path(wheel)) is None
