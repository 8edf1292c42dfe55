"""The rooms of the package: who may import whom."""

import ast
import functools
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the top floor down; rooms of one floor do not import each other, but for a room's own parts.
FLOORS = [
    ('__main__',),
    ('commands',),
    ('apis',),
    ('engine',),
    ('visualization',),
    ('evaluation',),
    ('datasets',),
    ('models',),
    ('config',),
    ('compat',),
    ('checkpoints', 'launch'),
    ('utils', 'registry', 'version'),
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path
    for path in (ROOT / 'mmfncontra').rglob('*.py')
}


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Modules of the package that a module imports, those inside functions too."""
    return frozenset(_find_imports(module))


def _find_imports(module: str) -> Iterator[str]:
    path = MODULES[module]
    package = module if path.name == '__init__.py' else module.rpartition('.')[0]
    tree = ast.parse(path.read_text(encoding='utf-8'))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name('.' * node.level + (node.module or ''), package)
            names = [f'{base}.{alias.name}' for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition('.')[0]
            if name:
                yield name


def _room(module: str) -> str:
    return [*module.split('.'), ''][1]


def _below(module: str) -> set[str]:
    """All that a module leads to."""
    found: set[str] = set()
    todo = [module]
    while todo:
        new = set(_imports(todo.pop())) - found
        found |= new
        todo += new
    return found


@pytest.mark.parametrize('module', MODULES)
def test_a_room_imports_those_below_it_only(module):
    room = _room(module)
    for other in _imports(module):
        if room and _room(other) and _room(other) != room:
            assert FLOOR[_room(other)] > FLOOR[room], f'{module} imports {other}'


@pytest.mark.parametrize(
    'module', [name for name, path in MODULES.items() if path.name != '__init__.py']
)
def test_no_module_leads_back_to_itself(module):
    assert module not in _below(module)


@pytest.mark.parametrize('room', ['config', 'checkpoints', 'launch'])
def test_the_face_of_a_room_of_refusals_is_empty(room):
    assert set(_imports(f'mmfncontra.{room}')) <= {'mmfncontra.compat.lighter_imports'}
