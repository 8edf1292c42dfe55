"""What ``env_cfg`` may hold, checked without importing torch."""

from collections.abc import Mapping
from typing import Any

from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.near_names import near_names

_MMENGINES = ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit')
_SWITCHES = ('tf32', 'keep_freed_memory')
_OURS = (*_SWITCHES, 'num_threads')


def check_settings(env_cfg: Mapping[str, Any]) -> None:
    """Check the keys of ``env_cfg``, and the values that are not mmengine's.

    Args:
        env_cfg: Of a config.

    Raises:
        ValueError: For an unknown key, or a value out of its range.
    """
    known = (*_MMENGINES, *_OURS)
    for key in env_cfg:
        if key not in known:
            near = near_names(str(key), known)
            hint = f'; did you mean {" or ".join(near)}?' if near else ''
            raise ValueError(f'env_cfg must have keys of {", ".join(known)}, got {key!r}{hint}')
    for key in _SWITCHES:
        if not isinstance(env_cfg.get(key), bool | None):
            raise ValueError(f'env_cfg.{key} must be True or False, got {env_cfg[key]!r}')
    if env_cfg.get('num_threads') is not None:
        check_integers(**{'env_cfg.num_threads': env_cfg['num_threads']})
