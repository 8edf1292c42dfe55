"""Lazy import: packages whose ``__init__`` runs when it is needed, not when they are imported."""

import ast
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from threading import RLock
from types import MappingProxyType, ModuleType
from typing import Any

Around = Callable[[ModuleType], AbstractContextManager]
_lock = RLock()


class DeferredPackage(ModuleType):
    """A package of which only that part is imported that is asked for.

    ``importlib.util.LazyLoader`` runs an ``__init__`` at any access, the import of a submodule
    among them. Here submodules are imported without it, and a name that the ``__init__`` takes
    ``from .submodule import name`` comes from that submodule. At any other name, and at ``from
    package import *``, the ``__init__`` runs, in place; the package is an ordinary module then.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') and name != '__all__':
            raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')
        sources = vars(self).get('__sources__', {})
        if name in sources:
            submodule, original = sources[name]
            module = import_module(f'.{submodule}', self.__name__)
            vars(self)[name] = getattr(module, original)
        elif name != '__all__' and find_spec(f'{self.__name__}.{name}') is not None:
            return import_module(f'.{name}', self.__name__)
        else:
            run_package(self)
        try:
            return vars(self)[name]
        except KeyError:
            message = f'module {self.__name__!r} has no attribute {name!r}'
            raise AttributeError(message) from None

    def __setattr__(self, name: str, value: Any) -> None:
        # A submodule that was just imported must not hide what the `__init__` calls by its name.
        if not (isinstance(value, ModuleType) and name in vars(self).get('__sources__', ())):
            super().__setattr__(name, value)


def run_package(package: ModuleType) -> None:
    """Run the ``__init__`` of a deferred package, if that was not done.

    Args:
        package: A package; an ordinary one is left alone.
    """
    with _lock:
        if not isinstance(package, DeferredPackage) or '__running__' in vars(package):
            return
        vars(package)['__running__'] = True
        try:
            package.__spec__.loader.exec_module(package)
        finally:
            del vars(package)['__running__']
        del vars(package)['__sources__']
        package.__class__ = ModuleType


class _PackageLoader(Loader):
    """Makes the package and leaves running it to the package."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return DeferredPackage(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        source = ast.parse(self.loader.get_source(module.__name__))
        vars(module)['__sources__'] = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in source.body
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
            for alias in node.names
            if alias.name != '*'
        }


class _ModuleLoader(Loader):
    """Runs a module inside a context."""

    def __init__(self, loader: Loader, around: Around) -> None:
        self.loader, self.around = loader, around

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        with self.around(module):
            self.loader.exec_module(module)


class _Finder(MetaPathFinder):
    def __init__(self, packages: Collection[str], around: Mapping[str, Around]) -> None:
        self.packages, self.around = packages, around

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self.packages and name not in self.around:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and hasattr(spec.loader, 'get_source'):
            if name in self.packages:
                spec.loader = _PackageLoader(spec.loader)
            else:
                spec.loader = _ModuleLoader(spec.loader, self.around[name])
        return spec


def defer_packages(
    packages: Collection[str], around: Mapping[str, Around] = MappingProxyType({})
) -> None:
    """Defer packages, see :class:`DeferredPackage`, from their first import on.

    Args:
        packages: Full names. One that is imported already, or is not there, is left alone.
        around: Contexts, called with the module, in which modules of these names are run when they
            are imported.
    """
    sys.meta_path.insert(0, _Finder(frozenset(packages), around))
