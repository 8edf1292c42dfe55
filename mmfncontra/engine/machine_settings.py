"""Settings of the machine that a config makes in ``env_cfg``."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.device import get_device

from .host_memory import keep_freed_memory


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
