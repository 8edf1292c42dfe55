"""A training step recorded once as a CUDA graph and replayed."""

import os
import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from mmengine.dist import get_world_size
from mmengine.model import BaseAveragedModel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.optim import Optimizer

from mmfncontra.utils.checks import check_integers

from ..moving_average import MovingAverage

Tensors = dict[str, Tensor]
Step = Callable[[Tensors], Tensors]


_KNOWN_PACKAGES = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmagic', 'mmfncontra')


class CUDARecorder:
    """Records what a function does on the device.

    All that it runs or records is on one side stream, and all its graphs share a memory pool: they
    are replayed one after the other, and nothing of one is needed after the next.

    Attributes:
        device_type: Where the step is to be.
    """

    device_type = 'cuda'

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()
        self.pool = torch.cuda.graph_pool_handle()

    def run(self, function: Callable[[], Tensors]) -> Tensors:
        """Run a function as usual, where it will be recorded later.

        Args:
            function: Takes nothing, returns tensors.

        Returns:
            What it returns.
        """
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            outputs = function()
        torch.cuda.current_stream().wait_stream(self.stream)
        return outputs

    def record(self, function: Callable[[], Tensors]) -> tuple[Tensors, Callable[[], None]]:
        """Record a function, whose work on the device is not done yet.

        Args:
            function: Takes nothing, returns tensors.

        Returns:
            The tensors, which each replay fills, and the replay.
        """
        graph = torch.cuda.CUDAGraph()
        # Other threads, which load images, may go on allocating memory.
        with torch.cuda.graph(graph, self.pool, self.stream, capture_error_mode='thread_local'):
            outputs = function()
        return outputs, graph.replay


@dataclass
class _Graph:
    inputs: Tensors
    outputs: Tensors
    replay: Callable[[], None]


class GraphedStep:
    """Runs a whole training step as a CUDA graph: one launch in place of thousands.

    The first ``warmup`` steps of each kind are ordinary ones; the next is recorded, and from then
    on replayed with the inputs copied into the graph's own. A kind is a batch's shapes with what is
    due in the step. Random draws come from the device's generator, which a replay moves on. The
    learning rates are read from the optimisers before each replay, where they stay the numbers that
    schedulers, logs and checkpoints expect.

    A graph reads and writes the very memory it was recorded with. Weights loaded in place are seen;
    if weights are moved or frozen, or an optimiser's state or settings are replaced (a resumed
    training), all graphs are dropped and recorded anew.

    Args:
        warmup: Ordinary steps before a kind is recorded, at least 1: optimisers make their state
            and cuDNN chooses its algorithms in them.
        recorder: What records; another class for tests.

    Raises:
        ValueError: If ``warmup`` is not positive.
    """

    def __init__(self, warmup: int = 3, recorder: type[CUDARecorder] = CUDARecorder) -> None:
        check_integers(warmup=warmup)
        self.warmup = warmup
        self.recorder = recorder
        self.forget()

    def __deepcopy__(self, memo: dict) -> 'GraphedStep':
        # Graphs are of the memory of one model.
        return GraphedStep(self.warmup, self.recorder)

    def __call__(
        self,
        step: Step,
        inputs: Tensors,
        model: nn.Module,
        optim_wrapper: OptimWrapperDict,
        due: Hashable = None,
    ) -> Tensors:
        """Do one step.

        Args:
            step: The step: takes the inputs, updates the model, returns what to log.
            inputs: Its tensors by name.
            model: The model.
            optim_wrapper: Its optimisers.
            due: What tells apart steps that do different things with the same shapes.

        Returns:
            What the step returns, tensors of their own.
        """
        wrappers = list(optim_wrapper.values())
        self._check_state(model, [wrapper.optimizer for wrapper in wrappers])
        kind = (due, model.training, *((k, v.shape, v.dtype) for k, v in inputs.items()))
        counts = [wrapper._inner_count for wrapper in wrappers]
        if self._seen.get(kind, 0) < self.warmup:
            self._seen[kind] = self._seen.get(kind, 0) + 1
            with self._on_device():
                outputs = self._recorder.run(lambda: step(inputs))
        else:
            if kind not in self._graphs:
                self._graphs[kind] = self._record(step, inputs)
            graph = self._graphs[kind]
            self._copy_rates()
            for name, value in inputs.items():
                graph.inputs[name].copy_(value)
            graph.replay()
            outputs = {name: value.clone() for name, value in graph.outputs.items()}
        for wrapper, count in zip(wrappers, counts, strict=True):
            wrapper._inner_count = count + 1  # a replay does not run the code that counts
        return outputs

    def _record(self, step: Step, inputs: Tensors) -> _Graph:
        inputs = {name: value.detach().clone() for name, value in inputs.items()}
        for optimiser in self._optimisers:
            optimiser.zero_grad(set_to_none=True)  # gradients are to be the graph's own
        with self._on_device():
            try:
                outputs, replay = self._recorder.record(lambda: step(inputs))
            except RuntimeError as error:
                raise RuntimeError(_why_not_recorded(error)) from error
        return _Graph(inputs, outputs, replay)

    def forget(self) -> None:
        """Drop all graphs."""
        self._graphs: dict[Hashable, _Graph] = {}
        self._seen: dict[Hashable, int] = {}
        self._recorder: CUDARecorder | None = None
        self._state: tuple | None = None

    def _check_state(self, model: nn.Module, optimisers: Sequence[Optimizer]) -> None:
        """Drop the graphs if they are of other memory, or of other settings."""
        if self._state is not None and self._state == self._current_state(optimisers):
            return
        self.forget()
        self._recorder = self.recorder()
        # Kept: to walk through all modules takes as long as a small graph.
        self._tensors = [*model.parameters(), *model.buffers()]
        self._optimisers = list(optimisers)
        # While they are held, no other state can have their address.
        self._held = [optimiser.state for optimiser in optimisers]
        groups = [group for optimiser in optimisers for group in optimiser.param_groups]
        self._rates = [
            (group, torch.zeros((), device=group['params'][0].device)) for group in groups
        ]
        for optimiser in optimisers:
            _move_counts(optimiser)
        self._state = self._current_state(optimisers)

    def _current_state(self, optimisers: Sequence[Optimizer]) -> tuple:
        return (
            [(tensor.data_ptr(), tensor.requires_grad) for tensor in self._tensors],
            [id(optimiser.state) for optimiser in optimisers],
            [_settings(group) for optimiser in optimisers for group in optimiser.param_groups],
        )

    def _copy_rates(self) -> None:
        for group, rate in self._rates:
            rate.fill_(group['lr'])

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """Let optimisers count, and read their learning rates, on the device."""
        self._copy_rates()
        numbers = [(group['lr'], group['capturable']) for group, _ in self._rates]
        for group, rate in self._rates:
            group.update(lr=rate, capturable=True)
        try:
            yield
        finally:
            for (group, _), (lr, capturable) in zip(self._rates, numbers, strict=True):
                group.update(lr=lr, capturable=capturable)


def _why_not_recorded(error: RuntimeError) -> str:
    # Torch ends a broken recording with an error that does not say what broke it.
    first = error.__context__ or error
    frames = traceback.extract_tb(first.__traceback__)
    ours = [frame for frame in frames if f'{os.sep}torch{os.sep}' not in frame.filename]
    where = f'{ours[-1].filename}:{ours[-1].lineno}' if ours else 'no line of ours'
    reason = str(first).strip().partition('\n')[0]
    return (
        "model.accelerate='cuda_graphs' cannot record the step, a part of which may need the host: "
        f'{reason} ({where}); start anew with model.accelerate=None'
    )


def _settings(group: dict) -> list:
    """What a graph has of a group of weights as numbers."""
    return [
        (name, value)
        for name, value in group.items()
        if name not in ('params', 'lr', 'initial_lr', 'capturable')
    ]


def _move_counts(optimiser: Optimizer) -> None:
    """Put what an optimiser counts its steps with, which may be on the CPU, beside the weights."""
    for parameter, state in optimiser.state.items():
        if isinstance(state.get('step'), Tensor):
            state['step'] = state['step'].to(parameter.device, torch.float32)


def check_graphable(model: nn.Module, optim_wrapper: OptimWrapperDict, known: bool = False) -> None:
    """Check that a GAN's step can be recorded as a CUDA graph.

    Args:
        model: The GAN; a module that reads values of the device in a step says so in an attribute
            ``needs_host``.
        optim_wrapper: Its optimisers.
        known: Whether all its parts must be known not to do so unsaid: those of packages that come
            with this one.

    Raises:
        ValueError: In one sentence, with what stands against it.
    """
    wanted = "model.accelerate='cuda_graphs' "
    if get_world_size() > 1 or any(is_model_wrapper(child) for child in model.children()):
        raise ValueError(f'{wanted}must be None in a distributed training: it is for one process')
    for name, part in model.named_modules():
        # mmengine's own averages look at their count of steps in each update.
        averages = isinstance(part, BaseAveragedModel) and not isinstance(part, MovingAverage)
        if getattr(part, 'needs_host', averages):
            raise ValueError(
                f'{wanted}must be None with {type(part).__name__} ({name}), which reads values of '
                'the device in the step'
            )
        package = type(part).__module__.partition('.')[0]
        if known and package not in _KNOWN_PACKAGES:
            raise ValueError(
                f'{wanted}is for one to ask for where there are parts of other packages, here '
                f'{type(part).__name__} ({name}) of {package}'
            )
    for name, wrapper in optim_wrapper.items():
        _check_wrapper(f'{wanted}needs optim_wrapper.{name}', wrapper)


def _check_wrapper(needs: str, wrapper: OptimWrapper) -> None:
    if hasattr(wrapper, 'loss_scaler'):
        raise ValueError(f'{needs} without a gradient scaler: take AutocastOptimWrapper')
    if wrapper._accumulative_counts != 1:
        raise ValueError(f'{needs}.accumulative_counts=1, got {wrapper._accumulative_counts}')
    if wrapper.clip_grad_kwargs:
        raise ValueError(f'{needs}.clip_grad=None: the norm is logged in every step')
    if any('capturable' not in group for group in wrapper.optimizer.param_groups):
        raise ValueError(
            f'{needs}.optimizer to be one with the argument capturable, such as Adam, got '
            f'{type(wrapper.optimizer).__name__}'
        )
