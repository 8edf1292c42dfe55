"""Distributed training (gloo) on machines without a GPU, where mmengine 0.10 would ask for one."""

import os

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed


def init_cpu_distributed(launcher: str) -> bool:
    """Start the process group with gloo where mmengine 0.10 would ask for a GPU.

    mmengine's ``init_dist`` calls ``torch.cuda.set_device`` whatever the machine has; it is left
    out when a process group exists already. Machines with an accelerator are left to it.

    Args:
        launcher: 'none', 'pytorch', 'slurm' or 'mpi', as mmengine's runner takes it.

    Returns:
        Whether this call started the group.

    Raises:
        ValueError: If the launcher is not torchrun, or its variables are not set.
    """
    if launcher == 'none' or get_device() != 'cpu' or is_distributed():
        return False
    if launcher != 'pytorch':
        raise ValueError(
            f"launcher={launcher!r} needs GPUs; on CPUs use launcher='pytorch' "
            '(tools/dist_train.sh)'
        )
    missing = [
        name
        for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')
        if name not in os.environ
    ]
    if missing:
        raise ValueError(
            f"launcher='pytorch' needs the environment variables {', '.join(missing)}, which "
            'torchrun sets: start it through tools/dist_train.sh, or torchrun -m mmfncontra train'
        )
    torch.distributed.init_process_group('gloo')
    return True


def use_cpu_model_wrapper(cfg: Config) -> None:
    """Keep the runner from naming a GPU to the data-parallel wrapper of a model on the CPU.

    Args:
        cfg: Config of a distributed training, changed in place.

    Raises:
        ValueError: If it asks for SyncBatchNorm, which torch has on GPUs only.
    """
    if get_device() == 'cpu':
        if cfg.get('sync_bn'):
            raise ValueError(
                f'sync_bn={cfg.sync_bn!r} needs GPUs: leave it out, and each process normalises '
                'its own images'
            )
        cfg.setdefault('model_wrapper_cfg', dict(type='MMSeparateDistributedDataParallel'))
        cfg.model_wrapper_cfg.device_ids = None
