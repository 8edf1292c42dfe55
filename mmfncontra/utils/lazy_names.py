"""Lazy import: a package that imports its parts when they are asked for (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, sources: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package.

    Args:
        package: The ``__name__`` of the package.
        sources: Modules by the names that come from them, '.submodule' or in full. No name may be
            that of a submodule, which would hide it.

    Returns:
        What to call ``__getattr__`` in the package.

    Example:
        >>> get = lazy_names('mmfncontra.utils', {'check_integers': '.checks'})
        >>> get('check_integers').__name__
        'check_integers'
    """

    def __getattr__(name: str) -> Any:
        if name not in sources:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        value = getattr(import_module(sources[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
