"""How a training runs: runner, loop, optimisers and hooks."""

from . import hooks
from .optim.autocast_optim_wrapper import AutocastOptimWrapper
from .optim.multi_optim_wrapper_constructor import MultiOptimWrapperConstructor
from .resumable_iter_train_loop import ResumableIterTrainLoop
from .sample_loops import SampleTestLoop, SampleValLoop
from .training_runner import TrainingRunner

__all__ = [
    'AutocastOptimWrapper',
    'MultiOptimWrapperConstructor',
    'ResumableIterTrainLoop',
    'SampleTestLoop',
    'SampleValLoop',
    'TrainingRunner',
    'hooks',
]
