"""What a resumed training takes from its config and what from its checkpoint."""

from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_world_size

from mmfncontra.config.recorded import Changes, describe_changes, find_changes, read_settings

from .optim.configured_optimisers import ConfiguredOptimisers

# Arguments that say what something begins with: what has come of it since is in the checkpoint.
_BEGINNINGS = ('init', 'initial', 'init_cfg')
_PROCESSES = 'processes'


def settle_settings(
    checkpoint: dict[str, Any], settings: Mapping[str, Any], configured: ConfiguredOptimisers
) -> str:
    """Put what the config decides into a checkpoint that is about to be resumed.

    The checkpoint decides what a training has come to: weights, averages, moments, strengths,
    counts, random numbers, the seed and the place in the stream of images. The config decides how
    it goes on.

    Args:
        checkpoint: A checkpoint that can be resumed; changed in place.
        settings: The config.
        configured: What it says of optimisers and schedules.

    Returns:
        What differs, in one line; empty where nothing does.

    Raises:
        ValueError: If the checkpoint has optimisers of other networks or weights.
    """
    recorded = read_settings(checkpoint['meta'].get('cfg'))
    changes = {} if recorded is None else find_changes(recorded, settings)
    changes.pop('randomness.seed', None)  # the checkpoint's, which where to start has said
    processes = _number_of_processes(checkpoint)
    if processes not in (0, get_world_size()):
        changes[_PROCESSES] = (processes, get_world_size())
    if recorded is not None and 'stream' not in checkpoint:
        _count_as_before(checkpoint, recorded, processes, changes)
    _forget_what_was_of_others(checkpoint, changes)
    # What an optimiser did go by, where it was not what the config said.
    changes |= configured.settle(checkpoint)
    return _describe(changes)


def _number_of_processes(checkpoint: Mapping) -> int:
    ranks = checkpoint.get('ranks')
    return len(ranks) if isinstance(ranks, list) else 0


def _count_as_before(
    checkpoint: dict[str, Any], recorded: Mapping, processes: int, changes: Changes
) -> None:
    """Count the images of a checkpoint from before they were counted."""
    batch = (recorded.get('train_dataloader') or {}).get('batch_size', 1)
    differ = {_PROCESSES, 'train_dataloader.batch_size'} & changes.keys()
    if differ and isinstance(batch, int):
        images = checkpoint['meta']['iter'] * batch * max(1, processes)
        checkpoint['stream'] = dict(images=images, place=images)


def _forget_what_was_of_others(checkpoint: dict[str, Any], changes: Changes) -> None:
    """Drop the best value of another metric, and gradients that waited for more than now."""
    if any(
        key.startswith(('val_evaluator', 'default_hooks.checkpoint.save_best'))
        or key == 'default_hooks.checkpoint.rule'
        for key in changes
    ):
        info = checkpoint['message_hub'].get('runtime_info', {})
        for key in [key for key in info if str(key).startswith(('best_score', 'best_ckpt'))]:
            del info[key]
        checkpoint.pop('early_stopping', None)
    counts = [key.split('.') for key in changes if key.endswith('.accumulative_counts')]
    for rank in checkpoint.get('ranks') or () if counts else ():
        for _, *name, _ in counts:
            rank['accumulated'].pop('.'.join(name), None)


def _describe(changes: Changes) -> str:
    kept = [key for key in changes if key.rpartition('.')[2] in _BEGINNINGS]
    used = {key: pair for key, pair in changes.items() if key not in kept}
    parts = []
    if used:
        parts.append(f'from here on as the config has it: {describe_changes(used)}')
    if kept:
        parts.append(f'as the checkpoint has it, whatever it began with: {", ".join(kept)}')
    return '; '.join(parts)
