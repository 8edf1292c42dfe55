"""A mistyped ``type`` in a config, in one line."""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine import registry as _mmengine
from mmengine.registry import Registry

# mmengine's message when a registry has no component of a name.
_UNKNOWN = re.compile(r'([\w.]+) is not in the (?:\w+::)?([\w ]+) registry')


@contextmanager
def explain_unknown_types(cfg: Any) -> Iterator[None]:
    """Turn mmengine's ``KeyError`` for an unknown component into one that says what is near.

    Args:
        cfg: Config from which components are built inside.

    Raises:
        ValueError: If something is built inside whose ``type`` is not registered.
    """
    try:
        yield
    except KeyError as error:
        unknown = _UNKNOWN.search(str(error))
        if unknown is None:
            raise
        name, kind = unknown.groups()
        # The deepest place: a variable that the config is made of may hold it as well.
        where = max(_paths(cfg, name), key=lambda path: path.count('.'), default='type')
        near = difflib.get_close_matches(
            name.rpartition('.')[2], sorted(set(_registered(kind))), n=3, cutoff=0.6
        )
        hint = (
            f'did you mean {" or ".join(near)}?'
            if near
            else 'is the module that defines it in custom_imports?'
        )
        raise ValueError(f'{where}: there is no {kind} {name!r}; {hint}') from error


def _paths(node: Any, name: str, path: str = '') -> Iterator[str]:
    if isinstance(node, list | tuple):
        items = list(enumerate(node))
    elif hasattr(node, 'items'):
        items = list(node.items())
        if node.get('type') == name:
            yield f'{path}type'
    else:
        return
    for key, value in items:
        yield from _paths(value, name, f'{path}{key}.')


def _registered(kind: str) -> Iterator[str]:
    roots = (value for value in vars(_mmengine).values() if isinstance(value, Registry))
    todo = [root for root in roots if root.name == kind]
    while todo:
        registry = todo.pop()
        # One of mmagic has, up to here, what was used.
        getattr(registry, 'complete', lambda: None)()
        yield from registry.module_dict
        todo += registry.children.values()
