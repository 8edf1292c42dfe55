"""Settings of the machine that a config makes in ``env_cfg``."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.device import get_device

from mmfncontra.utils.checks import check_integers
from mmfncontra.utils.near_names import near_names

from .host_memory import keep_freed_memory

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


def apply_settings(env_cfg: Mapping[str, Any]) -> None:
    """Make the settings that mmengine does not know, for the whole process.

    Args:
        env_cfg: ``tf32``: whether a GPU may multiply float32 in TensorFloat-32, in matrix products
            and convolutions; ``num_threads``: of torch on the CPU; ``keep_freed_memory``: see
            :func:`~mmfncontra.engine.host_memory.keep_freed_memory`, of no effect with a GPU.
            What is ``None`` or missing stays as it is.
    """
    if env_cfg.get('tf32') is not None:
        torch.backends.cuda.matmul.allow_tf32 = env_cfg['tf32']
        torch.backends.cudnn.allow_tf32 = env_cfg['tf32']
    if env_cfg.get('num_threads') is not None:
        torch.set_num_threads(env_cfg['num_threads'])
    if env_cfg.get('keep_freed_memory') and get_device() == 'cpu':
        keep_freed_memory()
