"""What a constructor takes, as far as its signature tells."""

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {
    bool: 'True or False',
    int: 'an integer',
    float: 'a number',
    str: 'a text',
    type(None): 'None',
    dict: "a config, dict(type='…')",
    list: 'a list',
}


def constructor_arguments(component: Any) -> set[str] | None:
    """Names of arguments, followed through ``**kwargs`` to the bases of a class.

    Args:
        component: A class, or a function that makes an object.

    Returns:
        The names; None: any.
    """
    parameters = _parameters(component)
    return None if parameters is None else set(parameters)


def misfit(component: Any, name: str, value: Any) -> str | None:
    """What an argument must be by its type hint, where a value is something else.

    Only plain kinds are told apart: numbers, texts, dicts, lists, ``None``. A value that is the
    argument's default always fits.

    Args:
        component: A class, or a function that makes an object.
        name: Name of an argument.
        value: Its value.

    Returns:
        Words such as ``'a number or None'``; None if the value fits, or nothing is known.
    """
    parameter = (_parameters(component) or {}).get(name)
    if parameter is None or (value is None and parameter.default is None):
        return None
    kinds = _kinds(parameter.annotation)
    if kinds is None or any(_is(value, kind) for kind in kinds):
        return None
    return ' or '.join(dict.fromkeys(_WORDS[kind] for kind in kinds))


def _parameters(component: Any) -> dict[str, inspect.Parameter] | None:
    if inspect.isclass(component):
        makers = [
            vars(cls)['__init__']
            for cls in component.__mro__
            if '__init__' in vars(cls) and cls is not object
        ]
    else:
        makers = [component]
    found: dict[str, inspect.Parameter] = {}
    for maker in makers:
        try:
            signature = inspect.signature(maker, eval_str=True)
        except (NameError, TypeError, ValueError):
            signature = inspect.signature(maker)
        parameters = signature.parameters.values()
        for p in parameters:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != 'self':
                found.setdefault(p.name, p)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return found
    return None if makers else found


def _kinds(hint: Any) -> list[type] | None:
    """Plain kinds that a hint is made of; None if it has others too."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        parts = [_kinds(part) for part in typing.get_args(hint)]
        return None if None in parts else [kind for part in parts for kind in part]
    origin = typing.get_origin(hint) or hint
    if not inspect.isclass(origin):
        return [type(None)] if hint is None else None
    if origin in _WORDS:
        return [origin]
    if issubclass(origin, Mapping):
        return [dict]
    if issubclass(origin, Sequence):
        return [list]
    # A component is built from a dict, or handed over whole.
    return [dict] if _is_module(origin) else None


def _is_module(kind: type) -> bool:
    return any(f'{base.__module__}.{base.__name__}' == _MODULE for base in kind.__mro__)


_MODULE = 'torch.nn.modules.module.Module'


def _is(value: Any, kind: type) -> bool:
    if kind is dict:
        return isinstance(value, Mapping) or _is_module(type(value))
    if kind is list:
        return isinstance(value, Sequence) and not isinstance(value, str)
    if kind in (int, float) and isinstance(value, bool):
        return False
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)
