"""Values inside nested dicts by dotted keys, such as ``dwcl.objective``."""

from typing import Any


def get_nested(config: dict, key: str) -> Any:
    """The value at a dotted key.

    Raises:
        KeyError: If there is none.
    """
    for part in key.split('.'):
        config = config[part]
    return config


def set_nested(config: dict, key: str, value: Any) -> None:
    """Set the value at a dotted key; dicts on the way that are missing are made."""
    *path, name = key.split('.')
    for part in path:
        config = config.setdefault(part, {})
    config[name] = value
