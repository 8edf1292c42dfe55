"""What a training step of a config costs on this machine."""

import copy
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmfncontra.config.build_errors import explain_build_errors
from mmfncontra.config.components import import_custom_modules
from mmfncontra.models.losses.lpips_reconstruction_loss import vgg16_weights_file
from mmfncontra.registry import MODELS
from mmfncontra.utils.rng import isolated_rng

# Two sizes of batches from which a larger one is extrapolated.
_SMALL = (2, 4)


@dataclass(frozen=True)
class StepCost:
    """What a step takes.

    Attributes:
        device: 'cuda' or 'cpu', or another of torch's.
        batch_size: Images in a batch.
        seconds: Time of a step, without reading images, samples, checkpoints or metrics.
        memory_mb: Peak memory in MiB, of the GPU's allocator or of the whole process.
        measured_at: Batch sizes that were run; others than ``batch_size`` were extrapolated.
        method: How it was found, in words.
        load: Processes that waited for a core of this machine per core, in the last minute; above 1
            it was busy with other things, and times are too long.
    """

    device: str
    batch_size: int
    seconds: float
    memory_mb: float
    measured_at: tuple[int, ...]
    method: str
    load: float


def needs_download(cfg: Config) -> bool:
    """Whether building the model of a config would download the weights of VGG16.

    Args:
        cfg: Config of a training.
    """
    losses = (cfg.model.get('disc_auxiliary_losses') or {}).values()
    return not vgg16_weights_file().is_file() and any(
        str(loss.get('type')).endswith('LPIPSReconstructionLoss')
        and loss.get('variant', 'lpips') == 'lpips'
        and not loss.get('backbone_weights')
        for loss in losses
        if loss
    )


def measure_step(
    cfg: Config, size: int, device: str = 'cpu', seconds: float = 30.0, steps: int = 2
) -> StepCost:
    """Time training steps on random images.

    The whole batch is run where that takes a few seconds (always on a GPU). Otherwise batches of
    two and, if there is time, four are run. Time and memory are a fixed part and one that is
    proportional to the batch, which these two determine; from one alone the time is taken as
    proportional, which is too much, and so is the memory beyond that of the process before.

    A penalty with an ``interval`` counts with that part of its time.

    Args:
        cfg: Config of a training; not changed.
        size: Side of the images in pixels.
        device: Where to train.
        seconds: Time that the whole batch may take. Two steps with the smallest batch run however
            long they take, one with the next unless twice this time is over.
        steps: Steps of which the median counts, after one that warms up.

    Returns:
        The cost of one step at the config's batch size.

    Raises:
        ValueError: If a component is unknown, or the device has too little memory.
    """
    import_custom_modules(cfg)
    whole = cfg.train_dataloader.get('batch_size') or 1
    scope = cfg.get('default_scope') or 'mmfncontra'
    before = _memory_mb(device)
    with (
        isolated_rng(0, device),
        DefaultScope.overwrite_default_scope(scope),
        explain_build_errors(cfg),
    ):
        try:
            run = _Trial(cfg, size, device)
            first = min(_SMALL[0], whole)
            began = time.perf_counter()
            run.step(first)
            longest = (time.perf_counter() - began) * whole / first * (steps + 1)
            # On a GPU the first step is slow for reasons that have nothing to do with the batch.
            if torch.device(device).type != 'cpu' or longest <= seconds:
                run.step(whole)
                sizes, times, memory = [whole], [run.time(steps, whole)], [_memory_mb(device)]
            else:
                sizes, times, memory = [], [], []
                for batch in sorted({first, min(_SMALL[1], whole)}):
                    if sizes and time.perf_counter() - began > 2 * seconds:
                        break
                    sizes.append(batch)
                    times.append(run.time(1, batch))
                    memory.append(_memory_mb(device))
        except torch.OutOfMemoryError as error:
            raise ValueError(
                f'{device} has too little memory for batches of {whole}: lower '
                'train_dataloader.batch_size or the size of the images'
            ) from error
    return StepCost(
        device=str(device),
        batch_size=whole,
        seconds=_at(whole, sizes, times, 0.0),
        memory_mb=_at(whole, sizes, memory, before),
        measured_at=tuple(sizes),
        method=_describe(whole, sizes),
        load=os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, 'getloadavg') else 0.0,
    )


class _Trial:
    """A model with its optimisers, stepped on random images."""

    def __init__(self, cfg: Config, size: int, device: str) -> None:
        self.cfg, self.size, self.device = cfg, size, device
        self.model = MODELS.build(cfg.model).to(device).train()
        self.optimisers = build_optim_wrapper(self.model, copy.deepcopy(cfg.optim_wrapper))
        losses = [
            loss
            for group in ('disc_auxiliary_losses', 'gen_auxiliary_losses')
            for loss in (cfg.model.get(group) or {}).values()
            if loss
        ]
        self.intervals = [loss['interval'] for loss in losses if loss.get('interval', 1) > 1]

    def step(self, batch: int, iteration: int = 0) -> None:
        """Train on one batch as if at an iteration: at 0 every lazy penalty is due, at 1 none."""
        inputs = torch.randint(0, 256, (batch, 3, self.size, self.size), dtype=torch.uint8)
        data = dict(inputs=list(inputs))
        classes = (self.cfg.model.get('generator') or {}).get('num_classes') or 0
        if classes:
            data['labels'] = list(torch.randint(classes, (batch,), device=self.device))
        hub = MessageHub.get_current_instance()
        kept = hub.runtime_info.get('iter')
        hub.update_info('iter', iteration)
        try:
            self.model.train_step(data, self.optimisers)
        finally:
            hub.update_info('iter', kept or 0)
        if torch.device(self.device).type == 'cuda':
            torch.cuda.synchronize(self.device)

    def time(self, steps: int, batch: int) -> float:
        """Seconds of an average step, once it is warm."""
        usual = _median_time(lambda: self.step(batch, iteration=1), steps)
        if not self.intervals:
            return usual
        with_penalties = _median_time(lambda: self.step(batch), 1)
        share = sum(1 / interval for interval in self.intervals) / len(self.intervals)
        return usual + max(0.0, with_penalties - usual) * share


def _median_time(step: Callable[[], None], num: int) -> float:
    times = []
    for _ in range(num):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return median(times)


def _at(whole: int, sizes: list[int], values: list[float], fixed: float) -> float:
    """Value for a whole batch, along the line through the last two or through the fixed part."""
    if sizes[-1] == whole:
        return values[-1]
    slope = (values[-1] - fixed) / sizes[-1]
    if len(sizes) > 1:
        slope = (values[-1] - values[-2]) / (sizes[-1] - sizes[-2])
    return values[-1] + max(0.0, slope) * (whole - sizes[-1])


def _describe(whole: int, sizes: list[int]) -> str:
    if sizes[-1] == whole:
        return f'measured at batch {whole}'
    if len(sizes) > 1:
        return f'batches of {sizes[0]} and {sizes[1]} measured, extrapolated in a line to {whole}'
    return f'a batch of {sizes[0]} measured, taken as proportional up to {whole}'


def _memory_mb(device: str) -> float:
    """Most memory that was in use so far, in MiB."""
    if torch.device(device).type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource  # not on Windows
    except ImportError:
        return 0.0
    unit = 1 if sys.platform == 'darwin' else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
