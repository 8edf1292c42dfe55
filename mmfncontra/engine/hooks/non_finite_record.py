"""What is left of a training that came upon numbers that are not finite and could not go on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.runner import Runner
from torch import Tensor

from mmfncontra.utils.files import write_json
from mmfncontra.utils.unwrap import unwrap
from mmfncontra.visualization import make_grid, save_png

STATE = 'state.pth'


@dataclass(frozen=True)
class SkippedStep:
    """A step that was left out.

    Args:
        iteration: Its iteration, counted from 0.
        batch: What the data loader gave.
        logs: What the step returned, by name.
    """

    iteration: int
    batch: Any
    logs: dict[str, Any]

    @property
    def reason(self) -> str:
        """What was not finite, in words."""
        losses = {k: float(v) for k, v in self.logs.items() if k.startswith('loss')}
        named = [f'{name} {value}' for name, value in losses.items() if not math.isfinite(value)]
        if named:
            what = ', '.join(named)
        elif get_world_size() == 1:
            what = 'a gradient is not finite, all losses are'
        else:
            what = "a gradient or another rank's loss is not finite"
        return f'{what} (iteration {self.iteration + 1})'


def save_record(
    runner: Runner, folder: str | Path, steps: Sequence[SkippedStep], **facts: Any
) -> None:
    """Write skipped steps and the state of a training to a folder, on all ranks.

    * ``batch.pt``: a list of dicts with ``iteration`` and ``batch``, what the data loader gave;
      ``batch.png``: its images. Of several ranks each writes its own, ``batch_rank1.pt`` ….
    * ``state.pth``: a checkpoint of the training as it is now.
    * ``record.json``: the iteration, the losses of the steps (as text, JSON has no NaN), the
      learning rates, the names of weights and optimiser states that are not finite, and ``facts``.

    Args:
        runner: The runner.
        folder: Where to write.
        steps: The steps, the last one last.
        **facts: What else to write down.

    Raises:
        OSError: If something cannot be written.
        RuntimeError: The same, as torch says it.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    finally:  # all ranks meet in it, also where one cannot write
        runner.save_checkpoint(str(folder), STATE, by_epoch=False)
    name = f'batch_rank{get_rank()}' if get_world_size() > 1 else 'batch'
    if steps:
        batches = [dict(iteration=step.iteration + 1, batch=step.batch) for step in steps]
        torch.save(batches, folder / f'{name}.pt')
        images = [image for step in steps for image in _images(step.batch)]
        if images:
            save_png(make_grid(np.stack(images)), folder / f'{name}.png')
    if get_rank() == 0:
        record = dict(
            iteration=runner.iter + 1,
            **facts,
            steps=[
                dict(iteration=s.iteration + 1, **{n: str(float(v)) for n, v in s.logs.items()})
                for s in steps
            ],
            learning_rates=runner.optim_wrapper.get_lr(),
            weights_not_finite=_not_finite(unwrap(runner.model).state_dict()),
            optimizer_not_finite=_not_finite(runner.optim_wrapper.state_dict()),
        )
        write_json(folder / 'record.json', record)


def _images(batch: Any) -> list[np.ndarray]:
    """Images of a batch that has uint8 ones, (H, W, 3); of another one nothing."""
    inputs = batch.get('inputs') if isinstance(batch, dict) else None
    inputs = inputs.get('img') if isinstance(inputs, dict) else inputs  # what it is, it is saved
    found = []
    for image in () if inputs is None else inputs:
        is_image = isinstance(image, Tensor) and image.ndim == 3 and image.size(0) == 3
        if is_image and image.dtype == torch.uint8:
            found.append(image.permute(1, 2, 0).cpu().numpy())
    return [image for image in found if image.shape == found[0].shape]


def _not_finite(state: Any, path: str = '') -> list[str]:
    """Paths of tensors in nested dicts and lists that have a value which is not finite."""
    if isinstance(state, Tensor):
        fine = not state.is_floating_point() or bool(state.isfinite().all())
        return [] if fine else [path]
    items = state.items() if isinstance(state, dict) else enumerate(state)
    return [
        found
        for key, value in items
        if isinstance(value, dict | list | Tensor)
        for found in _not_finite(value, f'{path}.{key}' if path else str(key))
    ]
