"""Settings that a training wrote down, read without running them, and what differs from them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .rules import SECTIONS

Changes = dict[str, tuple[Any, Any]]
# Of a key that one side does not have.
ABSENT = '(none)'
# Where a training lies and how it starts; and what is tested after it.
_OF_THE_START = {
    *('work_dir', 'resume', 'load_from', 'launcher', 'experiment_name', 'cfg', 'log_level'),
    'model_wrapper_cfg',  # of the launcher, on a CPU
    *('test_cfg', 'test_dataloader', 'test_evaluator'),
}
_SHOWN = 8  # changes in a line
_LONGEST = 40  # characters of a value
_NUMBERS = dict(inf=float('inf'), nan=float('nan'))


def read_settings(text: object) -> dict[str, Any] | None:
    """The settings in the text of a config, as trainings leave it in folders and checkpoints.

    Args:
        text: Assignments of literals and of calls of ``dict``. Nothing of it is executed.

    Returns:
        Values by name; None if it is something else.

    Example:
        >>> read_settings('train_cfg = dict(max_iters=20)')
        {'train_cfg': {'max_iters': 20}}
    """
    if not isinstance(text, str):
        return None
    settings = {}
    try:
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                settings[statement.targets[0].id] = _value(statement.value)
    except (AttributeError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return None
    return settings


def is_recorded_config(path: str | Path) -> bool:
    """Whether a file is a config as trainings write it, and not one that somebody wrote.

    Args:
        path: A file.
    """
    try:
        settings = read_settings(Path(path).read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError):
        return False
    # A training puts all sections into one file, and its folder among them.
    return settings is not None and {'model', 'train_cfg', 'work_dir'} <= settings.keys()


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        if not (isinstance(node.func, ast.Name) and node.func.id == 'dict'):
            raise ValueError('a call of something else than dict')
        # Where a key is no name, mmengine writes dict({64: …}).
        merged = {key: value for part in node.args for key, value in _value(part).items()}
        return merged | {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {ast.literal_eval(key): _value(value) for key, value in pairs}
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    return ast.literal_eval(node)


def find_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Changes:
    """What differs between two configs, of what a training reads.

    Folders, the start, and what is tested afterwards are left out.

    Args:
        before: Settings by name.
        now: Settings by name.

    Returns:
        By dotted key the value before and the value now; :data:`ABSENT` where there is none.

    Example:
        >>> find_changes(dict(train_cfg=dict(max_iters=2)), dict(train_cfg=dict(max_iters=4)))
        {'train_cfg.max_iters': (2, 4)}
    """
    read = SECTIONS[''] - _OF_THE_START
    sides = [
        dict(_leaves({key: value for key, value in side.items() if key in read}))
        for side in (before, now)
    ]
    pairs = {
        key: tuple(side.get(key, ABSENT) for side in sides)
        for key in dict.fromkeys([*sides[1], *sides[0]])
    }
    # An empty section and None say as little as a key that is not there.
    nothing = (ABSENT, None, {}, [])
    return {
        key: (old, new)
        for key, (old, new) in pairs.items()
        if old != new and not (old in nothing and new in nothing)
    }


def _leaves(node: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Values by dotted key; numbers in it count the parts of a list of sections."""
    parts: Mapping | None = None
    if isinstance(node, Mapping):
        parts = node
    elif isinstance(node, list | tuple):
        node = list(node)
        if any(isinstance(part, Mapping) for part in node):
            parts = dict(enumerate(node))
    if not parts:
        yield path, _plain(node)
        return
    for key, part in parts.items():
        yield from _leaves(part, f'{path}.{key}' if path else str(key))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def describe_changes(changes: Changes) -> str:
    """Changes in a line, those of what a step does before those of what is shown of it.

    Args:
        changes: From :func:`find_changes`.

    Example:
        >>> describe_changes({'train_cfg.max_iters': (2, 4)})
        'train_cfg.max_iters 2 → 4'
    """
    later = ('default_hooks', 'custom_hooks', 'val_', 'visualizer', 'log_processor', 'env_cfg')
    ordered = sorted(changes, key=lambda key: key.startswith(later))
    shown = [f'{key} {_short(changes[key][0])} → {_short(changes[key][1])}' for key in ordered]
    more = f', and {len(shown) - _SHOWN} more' if len(shown) > _SHOWN else ''
    return ', '.join(shown[:_SHOWN]) + more


def _short(value: Any) -> str:
    text = value if value is ABSENT else repr(value)
    return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…'
