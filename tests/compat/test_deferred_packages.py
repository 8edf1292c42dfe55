import sys
from types import ModuleType

import pytest

from mmfncontra.compat.deferred_packages import DeferredPackage, defer_packages, run_package

INIT = """
from .colour import Red, paint
from .colour import Red as Rot
from .shape import *
from . import log
log.lines.append('init')
def make():
    return Red
__all__ = ['Red', 'Circle', 'paint']
"""
PARTS = {
    '__init__': INIT,
    'log': 'lines = []\n',
    'colour': "from . import log\nlog.lines.append('colour')\nclass Red: ...\ndef paint(): ...\n",
    'shape': "from . import log\nlog.lines.append('shape')\nclass Circle: ...\n",
    # Named as a function that the package takes from elsewhere.
    'paint': 'wet = True\n',
    'broken': 'import toys.nowhere\n',
}


@pytest.fixture
def toys(tmp_path, monkeypatch):
    folder = tmp_path / 'toys'
    folder.mkdir()
    for name, text in PARTS.items():
        (folder / f'{name}.py').write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, 'meta_path', [*sys.meta_path])
    before = set(sys.modules)
    defer_packages(['toys'])
    import toys

    yield toys
    for name in set(sys.modules) - before:
        if name.partition('.')[0] == 'toys':
            del sys.modules[name]


def test_nothing_runs_at_import(toys):
    assert type(toys) is DeferredPackage
    assert toys.__name__ == 'toys' and toys.__file__.endswith('__init__.py') and toys.__path__
    assert not hasattr(toys, '__wrapped__') and 'toys.log' not in sys.modules


def test_a_name_comes_from_its_submodule(toys):
    import toys.log
    from toys import Red, Rot

    assert Red is Rot is toys.colour.Red and toys.log.lines == ['colour']
    assert type(toys) is DeferredPackage


def test_a_submodule_is_imported_by_itself(toys):
    from toys import shape

    assert shape.Circle and sys.modules['toys.log'].lines == ['shape']


@pytest.mark.parametrize('name', ['make', 'Circle', '__all__'])
def test_other_names_run_the_package_once(toys, name):
    assert getattr(toys, name)
    assert type(toys) is ModuleType
    assert toys.log.lines.count('init') == 1
    run_package(toys)
    assert toys.log.lines.count('init') == 1
    assert set(vars(toys)) >= {'Red', 'Rot', 'Circle', 'make', 'log', 'paint'}
    assert toys.__loader__.get_source('toys') == INIT


def test_star_imports_what_the_package_says(toys):
    names = {}
    exec('from toys import *', names)
    assert names.keys() - {'__builtins__'} == {'Red', 'Circle', 'paint'}


def test_a_submodule_does_not_hide_a_name(toys):
    import toys.paint
    from toys import paint

    assert paint is toys.colour.paint
    assert sys.modules['toys.paint'].wet


def test_a_name_that_is_nowhere(toys):
    with pytest.raises(AttributeError, match=r"'toys' has no attribute 'Blue'"):
        toys.Blue  # noqa: B018
    with pytest.raises(ImportError, match='Blue'):
        from toys import Blue  # noqa: F401


def test_a_failure_is_repeated(toys, tmp_path):
    (tmp_path / 'toys' / '__init__.py').write_text('from . import broken\nx = 1\n')
    for _ in range(2):
        with pytest.raises(ImportError, match='nowhere'):
            toys.x  # noqa: B018


def test_contexts_surround_a_module(tmp_path, monkeypatch):
    from contextlib import contextmanager

    (tmp_path / 'lonely_toy.py').write_text("said.append('run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, 'meta_path', [*sys.meta_path])
    monkeypatch.delitem(sys.modules, 'lonely_toy', raising=False)
    said = []

    @contextmanager
    def around(module):
        module.said = said
        said.append('before')
        yield
        said.append('after')

    defer_packages([], {'lonely_toy': around})
    import lonely_toy

    assert said == ['before', 'run', 'after'] and type(lonely_toy) is ModuleType
