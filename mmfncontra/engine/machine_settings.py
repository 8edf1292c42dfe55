"""Settings of the machine that a config makes in ``env_cfg``: TF32, threads, malloc."""

import ctypes
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.device import get_device

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_NEVER = 2**31 - 1
_TOP_PAD = 256 << 20  # bytes fetched beyond a request


def apply_settings(env_cfg: Mapping[str, Any]) -> None:
    """Make the settings that mmengine does not know, for the whole process.

    Args:
        env_cfg: ``tf32``: whether a GPU may multiply float32 in TensorFloat-32, in matrix products
            and convolutions; ``num_threads``: of torch on the CPU; ``keep_freed_memory``: see
            :func:`keep_freed_memory`, of no effect with a GPU.
            What is ``None`` or missing stays as it is.
    """
    if env_cfg.get('tf32') is not None:
        torch.backends.cuda.matmul.allow_tf32 = env_cfg['tf32']
        torch.backends.cudnn.allow_tf32 = env_cfg['tf32']
    if env_cfg.get('num_threads') is not None:
        torch.set_num_threads(env_cfg['num_threads'])
    if env_cfg.get('keep_freed_memory') and get_device() == 'cpu':
        keep_freed_memory()


def keep_freed_memory() -> bool:
    """Let the process keep what its tensors free, and take it again in the next step.

    glibc hands every large block back to the system when it is freed, and the system hands out new
    pages, cleared one by one, for the next: a quarter of a step on the CPU. The process then never
    shrinks; it is as large as a step at its largest.

    Returns:
        Whether the C library has the settings: glibc has, musl and macOS have not.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018
        mallopt = libc.mallopt
    except (AttributeError, OSError, TypeError):
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TOP_PAD))
    return all([mallopt(name, value) for name, value in settings])
