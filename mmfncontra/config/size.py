"""``--size``: one side for the images and both networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .check import check_values, get_value, leaf_datasets
from .options import apply_overrides
from .rules import LOADERS, NETWORK_SIZES

if TYPE_CHECKING:
    from mmengine.config import Config


def read_size(size: str | int) -> int:
    """Read the value of ``--size``; nothing is imported for it.

    Args:
        size: Side in pixels, a positive integer or its digits.

    Returns:
        The side.

    Raises:
        ValueError: If it is something else, such as the two sides of images that are not square.

    Example:
        >>> read_size('256')
        256
        >>> read_size('256x128')
        Traceback (most recent call last):
        ValueError: --size 256x128: images must be square as yet; write one side, such as --size 256
    """
    text = str(size)
    if pair := re.fullmatch(r'(\d+)\s*[x×X*,]\s*(\d+)', text):
        raise ValueError(
            f'--size {text}: images must be square as yet; write one side, such as --size {pair[1]}'
        )
    if not re.fullmatch(r'[1-9]\d*', text, re.ASCII) or isinstance(size, bool):
        raise ValueError(f'--size must be a positive integer, got {text}')
    return int(text)


def size_options(cfg: Config, size: str | int | None) -> dict[str, Any]:
    """What ``--size`` stands for: the size of generator, discriminator and images in one.

    What else depends on the size is in ``by_size`` of a config: its changes by size. A config that
    has it is for those sizes alone. What a config over it has set otherwise than ``by_size`` says
    for its present size, or left out, stays as it is.

    Args:
        cfg: Config of a training.
        size: Side in pixels; None keeps the config's.

    Returns:
        Changes to the config by dotted key, see :func:`~mmfncontra.config.options.apply_overrides`.

    Raises:
        ValueError: If it is no size, none that the config is for, or the config names no size of
            a network or of its images.
    """
    if size is None:
        return {}
    size = read_size(size)
    check_values(cfg)
    known = cfg.get('by_size') or {size: {}}
    if size not in known:
        raise ValueError(f'--size {size}: this config is for {", ".join(map(str, sorted(known)))}')
    changes = {side: _flat(parts) for side, parts in known.items()}
    keys = [_network_key(cfg, network) for network in NETWORK_SIZES if cfg.model.get(network)]
    keys += [
        f'{key}.size'
        for name in LOADERS
        if (cfg.get(name) or {}).get('dataset')
        for key, dataset in leaf_datasets(cfg[name].dataset, f'{name}.dataset')
        if 'size' in dataset
    ]
    for wanted in ('model.generator', 'train_dataloader.dataset'):
        if not any(key.startswith(wanted) for key in keys):
            raise ValueError(f'--size {size}: this config names no size in {wanted} to set')
    own = changes.get(get_value(cfg, keys[0]), {})
    as_said = {key for key, value in own.items() if get_value(cfg, key) == value}
    return {
        **dict.fromkeys(keys, size),
        **{key: value for key, value in changes[size].items() if key in as_said},
    }


def set_size(cfg: Config, size: str | int | None) -> None:
    """Change a config as ``--size`` says.

    Args:
        cfg: Config of a training, changed in place.
        size: Side in pixels; None keeps the config's.

    Raises:
        ValueError: See :func:`size_options`.
    """
    if size is not None:
        apply_overrides(cfg, size_options(cfg, size))


def _network_key(cfg: Config, network: str) -> str:
    for key in NETWORK_SIZES[network]:
        if key in cfg.model[network]:
            return f'model.{network}.{key}'
    raise ValueError(
        f'this config has no model.{network}.{NETWORK_SIZES[network][0]}, which --size sets'
    )


def _flat(changes: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Nested changes by dotted key."""
    flat = {}
    for key, value in changes.items():
        if isinstance(value, Mapping) and value and '_delete_' not in value:
            flat |= _flat(value, f'{prefix}{key}.')
        else:
            flat[prefix + key] = value
    return flat
