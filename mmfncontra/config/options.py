"""``--cfg-options``: changes to a config, checked against it.

mmengine adds a key that it does not know, so that a typo trains with the old value.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from numbers import Number
from typing import TYPE_CHECKING, Any

from mmfncontra.utils.near_names import near_names

from .check import check_values
from .constructor_arguments import constructor_arguments
from .load import import_custom_modules

if TYPE_CHECKING:
    from mmengine.config import Config


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - {'self'}


@cache
def _sections() -> dict[str, set[str]]:
    """What sections without a `type` may hold beyond what a config names."""
    from mmengine.runner import IterBasedTrainLoop, Runner
    from torch.utils.data import DataLoader

    return {
        '': _parameters(Runner.__init__)
        | {'custom_imports', 'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn', 'compile'},
        'train_cfg': _parameters(IterBasedTrainLoop.__init__) - {'runner', 'dataloader'}
        | {'type', 'by_epoch'},
        'train_dataloader': _parameters(DataLoader.__init__) | {'num_batch_per_epoch'},
        'randomness': {'seed', 'deterministic', 'diff_rank_seed'},
        'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
        'env_cfg.mp_cfg': {'mp_start_method', 'opencv_num_threads'},
        'env_cfg.dist_cfg': {'backend', 'timeout'},
        'default_hooks': {
            'runtime_info',
            'timer',
            'sampler_seed',
            'logger',
            'param_scheduler',
            'checkpoint',
        },
    }


# Sections of components by names of one's own.
_NAMED = ('model.disc_auxiliary_losses', 'model.gen_auxiliary_losses', 'model.regularisers')
_OPTIM_WRAPPER = {'type', 'optimizer', 'paramwise_cfg', 'clip_grad', 'accumulative_counts'}


def parse_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn ``key=value`` words into a dict, values as in other mm projects.

    Args:
        pairs: Such as ``train_cfg.max_iters=20`` or ``a.betas=(0.5,0.9)``.

    Returns:
        Values by dotted key.

    Raises:
        ValueError: If a word has no ``=`` or its brackets do not match.
    """
    if not pairs:
        return {}
    from mmengine.config import DictAction

    options = {}
    for pair in pairs:
        key, equals, value = pair.partition('=')
        if not equals or not key:
            raise ValueError(f'--cfg-options takes key=value, got {pair!r}')
        try:
            options[key] = DictAction._parse_iterable(value)
        except AssertionError as error:
            raise ValueError(f'--cfg-options {pair}: the brackets do not match') from error
    return options


def apply_overrides(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merge options into a config, refusing keys that nothing would read.

    A top-level key is taken if the runner reads it; variables from which a config was put together
    are not read any more. A deeper one is taken if the config has it, if the runner reads it in
    that section, or if its section is a component (has a ``type``) whose constructor has an
    argument of that name. Empty sections, and those of components that take any keyword, are free.

    Its ``custom_imports`` are imported where a component is not found without them. The values of
    the result are checked: :func:`~mmfncontra.config.check.check_values`.

    Args:
        cfg: Changed in place.
        options: Values by dotted key.

    Raises:
        ValueError: With the key and those nearest to it; if text would replace a number; or if a
            value of the config cannot be right.
    """
    for key, value in options.items():
        _check(cfg, key, value)
    cfg.merge_from_dict(dict(options))
    check_values(cfg)


def _check(cfg: Config, key: str, value: Any) -> None:
    node: Any = cfg._cfg_dict
    path: list[str] = []
    for part in key.split('.'):
        where = '.'.join(path)
        if isinstance(node, list | tuple):
            if not part.isdigit() or int(part) >= len(node):
                raise ValueError(
                    f'--cfg-options {key}: {where} is a list of {len(node)}, so after it comes a '
                    f'number below that, not {part!r}'
                )
            node = node[int(part)]
        elif isinstance(node, dict):
            # A variable that the config's other parts were made of is read no more.
            if part not in node or (not path and part not in _sections()['']):
                _check_new_key(cfg, node, path, part, key)
                if '.'.join([*path, part]) not in _sections():
                    return  # what a new section holds is for its component to check
                node = {}
            else:
                node = node[part]
        else:
            raise ValueError(
                f'--cfg-options {key}: {where} is {node!r} in this config, it has no keys'
            )
        path.append(part)
    is_number = isinstance(node, Number)
    if is_number and isinstance(value, str):
        raise ValueError(f'--cfg-options {key}: {value!r} cannot replace {node!r}: write a number')


def _check_new_key(cfg: Config, node: dict, path: list[str], part: str, key: str) -> None:
    allowed = _allowed(cfg, node, path)
    if allowed is None or part in allowed:
        return
    near = near_names(part, allowed, cutoff=0.5)
    if not path and part in (node.get('model') or ()):
        near = [f'model.{part}']
    elif not path and part in node:
        raise ValueError(
            f'--cfg-options {key}: nothing reads {part}, of which other parts of the config were '
            'made: change the keys where it is used'
        )
    prefix = ''.join(f'{p}.' for p in path)
    hint = (
        f'did you mean {" or ".join(prefix + name for name in near)}?'
        if near
        else f'there are {", ".join(sorted(map(str, allowed)))}'
    )
    raise ValueError(f'--cfg-options {key}: nothing reads {prefix}{part}; {hint}')


def _allowed(cfg: Config, node: dict, path: list[str]) -> set[str] | None:
    """Keys that a section may get; None means any."""
    where = '.'.join(path)
    if not path:
        return _sections()['']
    if where in _NAMED:
        return None
    allowed = set(node)
    if where in _sections():
        allowed |= _sections()[where]
    elif not node:
        return None
    elif path[0] == 'optim_wrapper' and 'optimizer' in node:
        allowed |= _OPTIM_WRAPPER
    if isinstance(node.get('type'), str):
        component = _find(cfg, node['type'])
        arguments = None if component is None else constructor_arguments(component)
        if arguments is None:
            return None
        allowed |= arguments
    return allowed


def _find(cfg: Config, name: str) -> type | None:
    """A component by its name; mmagic and a config's own modules are imported if need be."""
    if name.rpartition('.')[0] in ('', 'mmfncontra'):
        found = _registered(name)
        if found is not None:
            return found
    import_custom_modules(cfg)
    return _registered(name)


def _registered(name: str) -> type | None:
    from mmengine.registry import Registry

    from mmfncontra import registry as registries

    for registry in vars(registries).values():
        if isinstance(registry, Registry) and (found := registry.get(name)) is not None:
            return found
    return None
