"""A process group with a long timeout: ranks wait for one of them as long as it takes."""

from datetime import timedelta

import torch.distributed as torch_dist
from mmengine.dist import get_default_group, get_world_size

_PATIENCE = timedelta(days=7)
# The default group and the patient one of its ranks.
_made: tuple[object, torch_dist.ProcessGroup] | None = None


def patient_group() -> torch_dist.ProcessGroup | None:
    """A group of all ranks, on the host, for what may take long on one of them.

    NCCL ends a training in which ranks have waited for ten minutes, as they do while rank 0
    computes the metrics of 50,000 images. The first call is collective: all ranks make it.

    Returns:
        A gloo group that waits for days; ``None`` where there is one process.
    """
    global _made
    if get_world_size() == 1:
        return None
    default = get_default_group()
    if _made is None or _made[0] is not default:
        _made = default, torch_dist.new_group(backend='gloo', timeout=_PATIENCE)
    return _made[1]
