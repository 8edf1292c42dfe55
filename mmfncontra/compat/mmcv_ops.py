"""mmagic 1.2 on mmcv-lite 2.0 and 2.1, which have no compiled operators."""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import NoReturn

_NAME = 'mmcv._ext'


class MissingOps(ModuleType):
    """Stand-in for ``mmcv._ext`` whose every function raises when it is called.

    ``mmcv.ops`` asks at import only that its operators exist. On the CPU ``upfirdn2d`` and
    ``fused_bias_leakyrelu`` never reach them: mmcv has torch code for these.
    """

    def __init__(self) -> None:
        super().__init__(_NAME, 'Compiled operators, which mmcv-lite does not contain.')
        # Without a spec, `pkgutil.find_loader('mmcv._ext')` in mmengine's runner raises; with a
        # spec that has no loader it answers, rightly, that full mmcv is not there.
        self.__spec__ = ModuleSpec(_NAME, None)

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args: object, **kwargs: object) -> NoReturn:
            raise NotImplementedError(
                f"the compiled operator '{name}' is not part of mmcv-lite; "
                'install full mmcv in its place, since both own the folder mmcv/: '
                "pip uninstall mmcv-lite, then pip install 'mmcv>=2.0,<2.2'"
            )

        return missing


def install_mmcv_ops() -> bool:
    """Let ``mmcv.ops`` be imported where only mmcv-lite 2.0 or 2.1 is installed.

    Full mmcv is left alone and its compiled operators are used.

    Returns:
        Whether the stand-in is in place.
    """
    if _NAME not in sys.modules and find_spec(_NAME) is None:
        sys.modules[_NAME] = MissingOps()
    return isinstance(sys.modules.get(_NAME), MissingOps)
