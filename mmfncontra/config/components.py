"""What the names in a config stand for: its own modules, registered components."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mmfncontra.compat.prepare_mmagic import prepare_mmagic

if TYPE_CHECKING:
    from mmengine.config import Config


def import_custom_modules(cfg: Config) -> None:
    """Import the modules that a config names, mmagic made ready before.

    Args:
        cfg: Config with or without ``custom_imports``.

    Raises:
        ImportError: If a package or module is missing, or has a version that does not work.
    """
    names = (cfg.get('custom_imports') or {}).get('imports') or []
    if names:
        prepare_mmagic()
    for name in [names] if isinstance(names, str) else names:
        try:
            import_module(name)
        except ImportError as error:
            raise ImportError(f'custom_imports: cannot import {name}: {error}') from error


def find_component(cfg: Config, name: str) -> type | None:
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
