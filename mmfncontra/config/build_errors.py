"""A component that cannot be built from its config, in one line."""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine import registry as _mmengine
from mmengine.registry import Registry
from mmengine.registry.build_functions import build_from_cfg

from mmfncontra.utils.one_line import one_line

from .constructor_arguments import constructor_arguments, misfit
from .near_names import did_you_mean

# mmengine's message when a registry has no component of a name.
_UNKNOWN = re.compile(r'([\w.]+) is not in the (?:\w+::)?([\w ]+) registry')
_MISSING = re.compile(r'missing \d+ required (?:positional|keyword-only) arguments?: (.*)')
# Sections whose components need no type.
_TYPE_BY_DEFAULT = ('optim_wrapper', 'log_processor', 'visualizer', 'model.ema_config')
# Arguments that no config gives.
_FROM_RUNNER = {'runner', 'dataloader', 'params', 'optimizer'}
# What a constructor stumbles over that is given a wrong value; other errors are faults.
_STUMBLED = (KeyError, TypeError, ValueError, AssertionError, AttributeError, IndexError)


@contextmanager
def explain_build_errors(cfg: Any) -> Iterator[None]:
    """Say of a component that cannot be built where in the config it is, and what would be right.

    * A ``type`` that is not registered, or missing: the names near to it.
    * An argument that the constructor does not have: the one near to it.
    * One that it needs, or whose value is of another kind than its type hint.
    * A ``ValueError`` or ``AssertionError`` of the constructor: put behind the key.

    Every other error passes, as does what is raised where nothing is built.

    Args:
        cfg: Config from which components are built inside.

    Raises:
        ValueError: If a component cannot be built for one of these reasons.
    """
    try:
        yield
    except _STUMBLED as error:
        message = _explain(error, cfg)
        if message is None:
            raise
        raise ValueError(message) from error


def _explain(error: Exception, cfg: Any) -> str | None:
    if isinstance(error, KeyError) and (unknown := _UNKNOWN.search(str(error))):
        return _unknown_type(cfg, *unknown.groups())
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    builds = [f for f in frames if f.f_code is build_from_cfg.__code__]
    if not builds:
        return None
    inside = builds[-1].f_locals
    if not isinstance(inside['cfg'], Mapping):
        return _no_config(cfg, builds[-2].f_locals['cfg'] if builds[1:] else {}, inside['cfg'])
    given = {key: value for key, value in inside['cfg'].items() if key not in ('type', '_scope_')}
    component = inside.get('obj_cls')
    where = _locate(cfg, inside['cfg'])
    if component is None:
        return _no_type(where or 'a component', inside['cfg'])
    ours = frames[-1].f_globals.get('__name__', '').partition('.')[0] == 'mmfncontra'
    if isinstance(error, ValueError) and ours:
        return _behind(where, str(error), given)
    name = _name(component)
    message = _wrong_arguments(error, component, inside['registry'].name, where or name, given)
    if message is None and isinstance(error, ValueError | AssertionError) and str(error):
        said = one_line(error)
        message = f'{where or name}: {name} cannot be built from {_shown(given)}: {said}'
    return message


def _no_config(cfg: Any, owner: Mapping[str, Any], value: Any) -> str:
    key = next((key for key, given in owner.items() if given is value), 'a component')
    where = '.'.join(filter(None, (_locate(cfg, owner), key)))
    return f"{where} must be a config such as dict(type='…'), got {value!r}"


def _wrong_arguments(
    error: Exception, component: Any, kind: str, where: str, given: Mapping[str, Any]
) -> str | None:
    name = _name(component)
    allowed = constructor_arguments(component)
    if allowed is not None and kind == 'hook':
        allowed |= {'priority'}  # which the runner reads
    if isinstance(error, TypeError):
        for key in given if allowed is not None else ():
            if key not in allowed:
                known = ', '.join(sorted(allowed - _FROM_RUNNER)) or 'none'
                has = (
                    f'it has {known}; if a base config has it, for another type, add _delete_=True'
                )
                hint = did_you_mean(key, allowed, has, shown=repr)
                return f'{where}: {name} has no argument {key!r}{hint}'
        if missing := _MISSING.search(str(error)):
            return f'{where}: {name} needs {missing[1]}, got {_shown(given)}'
    for key, value in given.items():
        if wanted := misfit(component, key, value):
            return f'{where}.{key} must be {wanted}, got {value!r}'
    return None


def _name(component: Any) -> str:
    return getattr(component, '__name__', str(component))


def _shown(given: Mapping[str, Any]) -> str:
    """Plain arguments in few words; objects that were handed over are not the user's."""
    plain = (str, int, float, list, tuple, dict, type(None))
    text = ', '.join(f'{key}={value!r}' for key, value in given.items() if isinstance(value, plain))
    text = ' '.join(text.split()) or 'no arguments'
    return text if len(text) <= 120 else f'{text[:119]}…'


def _behind(where: str, message: str, given: Mapping[str, Any]) -> str | None:
    """A message of ours behind the key of the component it is about; None: it names it already."""
    named = re.search(rf'(?<![\w.]){re.escape(where)}(?!\w)', message)
    if not where or named or message.startswith('--'):
        return None
    first = re.match(r'\w+', message)
    return f'{where}.{message}' if first and first[0] in given else f'{where}: {message}'


def _no_type(where: str, given: Mapping[str, Any]) -> str:
    if given.get('type') is None:
        return (
            f"{where}: type is missing: name the component, as in dict(type='…'), got "
            f'{_shown(given)}'
        )
    return f'{where}.type must be the name of a component, got {given["type"]!r}'


def _unknown_type(cfg: Any, name: str, kind: str) -> str:
    # The deepest place: a variable that the config is made of may hold it as well.
    paths = (
        f'{path}.{key}'.lstrip('.')
        for path, node in _nodes(cfg)
        for key in ('type', 'constructor')
        if node.get(key) == name
    )
    where = max(paths, key=lambda path: path.count('.'), default='type')
    plain = ('mmengine', _default_scope(cfg))
    names: dict[str, str] = {}
    for scope, one in sorted(_registered(kind), key=lambda pair: pair[0] not in plain):
        names.setdefault(one, one if scope in plain else f'{scope}.{one}')
    ask = 'is the module that defines it in custom_imports?'
    hint = did_you_mean(name.rpartition('.')[2], names, ask, shown=names.__getitem__)
    return f'{where}: there is no {kind} {name!r}{hint}'


def _default_scope(cfg: Any) -> str:
    return (cfg.get('default_scope') if hasattr(cfg, 'get') else None) or 'mmfncontra'


def _nodes(node: Any, path: str = '') -> Iterator[tuple[str, Mapping]]:
    """The dicts inside a config with their keys."""
    if isinstance(node, list | tuple):
        items = list(enumerate(node))
    elif hasattr(node, 'items'):
        items = list(node.items())
        yield path, node
    else:
        return
    for key, value in items:
        yield from _nodes(value, f'{path}.{key}'.lstrip('.'))


def _locate(cfg: Any, built: Mapping[str, Any]) -> str:
    """Key of the section that a component is built from, which may have been copied on the way."""

    def kind(node: Mapping) -> str | None:
        name = node.get('type')
        return name.rpartition('.')[2] if isinstance(name, str) else name

    def likeness(pair: tuple[str, Mapping]) -> tuple[int, int]:
        path, node = pair
        same = sum(key in built and built[key] == value for key, value in node.items())
        return same - len(node.keys() - built.keys()), path.count('.')

    alike = [
        (path, node)
        for path, node in _nodes(cfg)
        if path and node.keys() & built.keys()
        if kind(node) == kind(built) or (not kind(node) and path.startswith(_TYPE_BY_DEFAULT))
    ]
    return max(alike, key=likeness)[0] if alike else ''


def _registered(kind: str) -> Iterator[tuple[str, str]]:
    """Scopes and names of the components of a kind."""
    roots = (value for value in vars(_mmengine).values() if isinstance(value, Registry))
    # A child may have another name for its kind.
    todo = [
        root
        for root in roots
        if kind in (root.name, *(child.name for child in root.children.values()))
    ]
    while todo:
        registry = todo.pop()
        # One of mmagic has, up to here, what was used.
        getattr(registry, 'complete', lambda: None)()
        yield from ((registry.scope, name) for name in registry.module_dict)
        todo += registry.children.values()
