"""Lazy import of what mmagic 1.2 and mmengine 0.10 import at import, and a training does not use.

It saves a training 2.3 s of CPU time of 5.8 s, 130 MiB of 790, and 2,000 modules of 4,900 (medians
of five, torch 2.11 on a CPU) by

    python -c "from mmfncontra.utils import prepare_mmagic; prepare_mmagic()
    import mmfncontra.models.gans, resource; print(resource.getrusage(resource.RUSAGE_SELF))"

and by the same with ``lighten_mmagic`` and ``lighten_mmengine`` of ``compat.prepare_mmagic``
replaced by ``lambda: None``; every process of a training spends it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from .deferred_packages import defer_packages, run_package

# Of mmagic 1.2: all its models and data sets, with diffusers, transformers, albumentations, pandas.
_MMAGIC = (
    'mmagic.datasets',
    'mmagic.datasets.transforms',
    'mmagic.evaluation',
    'mmagic.evaluation.functional',
    'mmagic.evaluation.metrics',
    'mmagic.models',
    'mmagic.models.archs',
    'mmagic.models.editors',
    'mmagic.models.losses',
)


@cache
def lighten_mmagic() -> None:
    """Let only those parts of mmagic 1.2 be imported that are used.

    ``from mmagic.models.editors import stylegan2`` imports StyleGAN2 and what it stands on, where
    mmagic would import its 60 models and their packages. Whatever is looked for finds what it
    found before: a name that is not there yet, in a package or in a registry, is looked for after
    mmagic has been imported as its authors wrote it.

    Call it before importing mmagic; it does nothing afterwards, or when called again.
    """
    if 'mmagic' in sys.modules:
        return
    # Its StyleGAN2 has a copy of ADA, which needs it at the first augmentation.
    defer_packages(('scipy.signal', *_MMAGIC), {'mmagic.registry': _complete_registries})


@contextmanager
def _complete_registries(module: ModuleType) -> Iterator[None]:
    """Let the registries of mmagic import what is deferred when they miss a name."""
    yield
    from mmengine.registry import Registry

    class CompleteRegistry(Registry):
        """Registry that imports all of its locations at the first name it does not have."""

        _is_complete = False

        def get(self, key: str) -> type | None:
            scope, name = self.split_scope_key(key)
            if scope in (None, self.scope) and name not in self._module_dict:
                self.complete()
            return super().get(key)

        def complete(self) -> None:
            """Import all locations."""
            if self._is_complete:
                return
            # First, for what registers itself meanwhile looks for names too.
            self._is_complete = True
            try:
                for name in _MMAGIC:
                    if any(f'{name}.'.startswith(f'{place}.') for place in self._locations):
                        run_package(import_module(name))
            except BaseException:
                self._is_complete = False
                raise

    for registry in vars(module).values():
        if type(registry) is Registry and set(registry._locations) & set(_MMAGIC):
            registry.__class__ = CompleteRegistry


@cache
def lighten_mmengine() -> None:
    """Let mmengine 0.10 be imported without transformers.

    Its optimisers import that for Adafactor, which is registered all the same and imported when it
    is built.

    Call it before importing mmengine; it does nothing afterwards, or when called again.
    """
    if 'mmengine.optim' not in sys.modules:
        defer_packages((), {'mmengine.optim.optimizer.builder': _without_transformers})


@contextmanager
def _without_transformers(module: ModuleType) -> Iterator[None]:
    """Run mmengine's module as if transformers were not installed, and add what it left out."""
    if 'transformers' in sys.modules or find_spec('transformers') is None:
        yield
        return
    sys.modules['transformers'] = None  # an import of it fails
    try:
        yield
    finally:
        del sys.modules['transformers']
    module.OPTIMIZERS.register_module(name='Adafactor', module=_adafactor)
    module.TRANSFORMERS_OPTIMIZERS.append('Adafactor')


def _adafactor(params: Any, **options: Any) -> Any:
    """The optimiser of transformers that mmengine registers.

    Args:
        params: Parameters, or groups of them.
        **options: What ``transformers.Adafactor`` takes.
    """
    from transformers import Adafactor

    return Adafactor(params, **options)
