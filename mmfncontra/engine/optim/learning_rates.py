"""Learning rates of a training that is under way."""

from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler

# In the message hub and in checkpoints: the factor that roll backs have put on the rates.
LR_SCALE = 'lr_scale'
# Of a group of weights; those to come have `initial_` before them.
RATES = ('lr', 'max_lr', 'min_lr')
Schedulers = list[_ParamScheduler] | dict[str, list[_ParamScheduler]] | None


def scale_learning_rates(
    optim_wrapper: OptimWrapper | OptimWrapperDict, schedulers: Schedulers, factor: float
) -> None:
    """Multiply the learning rates, those to come as well.

    Args:
        optim_wrapper: The optimisers; changed in place.
        schedulers: Their schedules, as the runner has them; changed in place.
        factor: Positive.
    """
    named = isinstance(optim_wrapper, OptimWrapperDict)
    for wrapper in optim_wrapper.values() if named else [optim_wrapper]:
        for group in wrapper.param_groups:
            for key in (*RATES, 'initial_lr'):
                if key in group:  # in place where it is a tensor, which a recorded step reads
                    group[key] *= factor
    lists = schedulers.values() if isinstance(schedulers, dict) else [schedulers or []]
    for scheduler in (each for some in lists for each in some):
        if scheduler.param_name == 'lr':
            scheduler.base_values = [value * factor for value in scheduler.base_values]
            if getattr(scheduler, 'eta_min', None) is not None:
                scheduler.eta_min *= factor
