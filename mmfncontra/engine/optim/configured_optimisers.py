"""Optimisers of a training that is resumed: state of the checkpoint, settings of the config."""

import copy
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler

from mmfncontra.config.recorded import Changes

from .learning_rates import LR_SCALE, RATES, Schedulers, scale_learning_rates

Groups = list[dict[str, Any]]
# Which weights a group has, not how they are trained.
_WEIGHTS = ('params', 'param_names')
# Settings that are of no use to a state that was kept without them.
_STATEFUL = ('amsgrad', 'centered', 'momentum')
# Of a schedule: how far it is. Its rates are compared as those of the groups.
_PROGRESS = ('last_step', '_global_step', '_last_value', 'verbose', 'base_values')


class ConfiguredOptimisers:
    """What a config says of optimisers and their schedules, before a checkpoint is loaded.

    torch and mmengine take every setting of an optimiser from the checkpoint. Here the checkpoint
    gives what was learnt, moments and counts, and how far the schedules are; the config gives the
    settings. Where none of them differs the checkpoint is left as it is, to the bit. Where rates or
    schedules differ, the schedules are run through up to the iteration of the checkpoint, as if
    they had been these from the start, and a factor that stems from roll backs is dropped with the
    rates it was for. An optimiser of another kind begins with no state.

    Args:
        optim_wrapper: The optimisers, as built.
        schedulers: Their schedules, as built.
    """

    def __init__(
        self, optim_wrapper: OptimWrapper | OptimWrapperDict, schedulers: Schedulers
    ) -> None:
        self._groups: dict[str, Groups] = {}
        self._shapes: dict[str, list] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        for name, wrapper in _wrappers(optim_wrapper).items():
            # With several groups the wrapper shows one more, of no weights, for the log.
            groups = wrapper.optimizer.param_groups
            self._shown[name] = _settings(wrapper.base_param_settings or {})
            self._groups[name] = [_settings(group) for group in groups]
            self._shapes[name] = [[p.shape for p in group['params']] for group in groups]
        self._schedules = {
            name: [copy.deepcopy(schedule.state_dict()) for schedule in some]
            for name, some in _by_name(schedulers).items()
        }
        self._replays = False
        self._scale = 1.0

    def settle(self, checkpoint: dict[str, Any]) -> Changes:
        """Put the settings of the config into a checkpoint that is about to be loaded.

        Args:
            checkpoint: A checkpoint that can be resumed; changed in place.

        Returns:
            What differed: by key of the config its value before and now.

        Raises:
            ValueError: If the checkpoint has optimisers of other networks or weights.
        """
        info = checkpoint['message_hub'].get('runtime_info', {})
        scale = info.get(LR_SCALE, 1.0)
        self._scale = scale if isinstance(scale, float) and scale > 0 else 1.0
        states = checkpoint['optimizer']
        states = {'': states} if 'param_groups' in states else states
        if states.keys() != self._groups.keys():
            raise ValueError(
                f'it has optimisers of {", ".join(states)}, the config of {", ".join(self._groups)}'
            )
        changes: Changes = {}
        rates_differ = regrouped = False
        for name, state in states.items():
            if [len(group['params']) for group in state['param_groups']] != [
                len(shapes) for shapes in self._shapes[name]
            ]:
                self._regroup(name, state)
                regrouped = True
                continue
            found = self._settle_optimiser(name, state)
            rates_differ |= any(key.rpartition('.')[2] in RATES for key in found)
            changes |= found
        self._replays = rates_differ or regrouped or self._schedules_differ(checkpoint)
        if self._replays:
            checkpoint.pop('param_schedulers', None)
            self._begin_schedules(states)
        if rates_differ and LR_SCALE in info:
            info[LR_SCALE] = self._scale = 1.0
        return changes

    def replay(
        self,
        optim_wrapper: OptimWrapper | OptimWrapperDict,
        schedulers: Schedulers,
        iteration: int,
        epoch: int = 0,
    ) -> None:
        """Bring schedules of which a checkpoint knows nothing to where it is; else do nothing.

        Args:
            optim_wrapper: The optimisers, their state loaded; changed in place.
            schedulers: Their schedules; changed in place.
            iteration: Iterations done.
            epoch: Epochs done.
        """
        if not self._replays:
            return
        for name, wrapper in _wrappers(optim_wrapper).items():
            if self._shown[name]:
                wrapper.base_param_settings.update(copy.deepcopy(self._shown[name]))
        for name, some in _by_name(schedulers).items():
            # One that follows a validation knows no iterations: it begins anew.
            followed = [each for each in some if not getattr(each, 'need_val_args', False)]
            for schedule, state in zip(some, self._schedules[name], strict=True):
                schedule.load_state_dict(copy.deepcopy(state))
            with warnings.catch_warnings():  # that no step was made before
                warnings.simplefilter('ignore')
                _run_through(followed, iteration, epoch)
        if self._scale != 1:
            scale_learning_rates(optim_wrapper, schedulers, self._scale)

    def _regroup(self, name: str, state: dict[str, Any]) -> None:
        """Take the groups of the config for a state that has others, of the same weights."""
        ours = [shape for shapes in self._shapes[name] for shape in shapes]
        theirs = [index for group in state['param_groups'] for index in group['params']]
        fits = len(ours) == len(theirs) and all(
            getattr(value, 'shape', shape) in (shape, ())
            for shape, index in zip(ours, theirs, strict=True)
            for value in state['state'].get(index, {}).values()
        )
        if not fits:
            raise ValueError(
                f'its optimiser {name or "optimizer"} has {len(theirs)} weights, that of the '
                f'config {len(ours)}, or others'
            )
        if not self._shown[name]:
            state.pop('base_param_settings', None)
        indices = iter(theirs)
        state['param_groups'] = [
            {**settings, 'params': [next(indices) for _ in shapes]}
            for settings, shapes in zip(self._groups[name], self._shapes[name], strict=True)
        ]

    def _settle_optimiser(self, name: str, state: dict[str, Any]) -> Changes:
        changes: Changes = {}
        where = '.'.join(part for part in ('optim_wrapper', name, 'optimizer') if part)
        begins_anew = False
        for group, settings in zip(state['param_groups'], self._groups[name], strict=True):
            begins_anew |= _is_of_another_kind(group, settings)
            for key, (old, new) in self._differences(name, group, settings).items():
                changes.setdefault(f'{where}.{key}', (old, new))
                group[key] = settings[key]
        if begins_anew:
            state['state'] = {}
            for group, settings in zip(state['param_groups'], self._groups[name], strict=True):
                weights = {key: group[key] for key in _WEIGHTS if key in group}
                group.clear()
                group.update(settings, **weights)
            changes[f'{where}.state'] = ('kept', 'begins anew')
        return changes

    def _differences(self, name: str, group: Mapping, settings: Mapping) -> Changes:
        found: Changes = {}
        scheduled = {state.get('param_name') for state in self._schedules.get(name, ())}
        for key, value in settings.items():
            # A schedule of the momentum moves Adam's first beta.
            if key.startswith('initial_') or (key == 'betas' and 'momentum' in scheduled):
                continue
            new = settings.get(f'initial_{key}', value)
            old = group.get(f'initial_{key}', group.get(key, new))
            # A checkpoint with a factor of roll backs has the rates of the config times that.
            expected = new * self._scale if key in RATES else new
            if not _same(old, expected):
                found[key] = (old.item() if getattr(old, 'shape', None) == () else old, new)
        return found

    def _schedules_differ(self, checkpoint: Mapping) -> bool:
        saved = _by_name(checkpoint.get('param_schedulers'))
        names = {name for name, some in self._schedules.items() if some}
        if names != {name for name, some in saved.items() if some}:
            return True
        return any(
            len(saved[name]) != len(self._schedules[name])
            or any(
                not self._is_same_schedule(old, new)
                for old, new in zip(saved[name], self._schedules[name], strict=True)
            )
            for name in names
        )

    def _is_same_schedule(self, old: Mapping, new: Mapping) -> bool:
        def fixed(state: Mapping, scale: float = 1.0) -> dict:
            # Functions are not saved; a plateau has counts of its own.
            kept = {
                key: value
                for key, value in state.items()
                if key not in _PROGRESS and not callable(value)
            }
            if state.get('param_name') == 'lr' and kept.get('eta_min') is not None:
                kept['eta_min'] = kept['eta_min'] * scale
            return kept

        before, now = fixed(old), fixed(new, self._scale)
        if 'num_bad_epochs' in now:
            now = {key: now[key] for key in ('patience', 'factor', 'cooldown', 'threshold')}
            before = {key: before.get(key) for key in now}
        return before.keys() == now.keys() and all(_same(before[key], now[key]) for key in now)

    def _begin_schedules(self, states: Mapping[str, dict]) -> None:
        """Let scheduled settings be those of the first iteration."""
        for name, state in states.items():
            for group, settings in zip(state['param_groups'], self._groups[name], strict=True):
                moved = [key for key in (*group, *settings) if key.startswith('initial_')]
                for key in {'betas', *RATES, *moved, *(key[len('initial_') :] for key in moved)}:
                    if key in settings:
                        group[key] = copy.deepcopy(settings[key])
                    else:
                        group.pop(key, None)


def _wrappers(optim_wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, OptimWrapper]:
    if isinstance(optim_wrapper, OptimWrapperDict):
        return dict(optim_wrapper.items())
    return {'': optim_wrapper}


def _by_name(lists: Any) -> dict[str, list]:
    """Lists by name of an optimiser, where there may be one list, or none."""
    return dict(lists) if isinstance(lists, dict) else {'': list(lists or [])}


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: copy.deepcopy(value) for key, value in group.items() if key not in _WEIGHTS}


def _is_of_another_kind(group: Mapping, settings: Mapping) -> bool:
    """Whether the state that was kept for a group is of no use with other settings."""
    theirs, ours = (
        {key for key in side if key not in _WEIGHTS and not key.startswith('initial_')}
        for side in (group, settings)
    )
    # Newer versions of torch have further settings: on one side only.
    if theirs - ours and ours - theirs:
        return True
    # Of Adam a schedule alone knows a momentum.
    stateful = [key for key in _STATEFUL if key != 'momentum' or 'betas' not in settings]
    return any(settings.get(key) and not group.get(key) for key in stateful)


def _same(old: Any, new: Any) -> bool:
    if isinstance(new, list | tuple) and isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        return dict(old) == dict(new)
    if isinstance(new, bool) or not isinstance(new, int | float):
        return type(old) is type(new) and old == new
    try:
        return math.isclose(float(old), new, rel_tol=1e-9)
    except (RuntimeError, TypeError, ValueError):
        return False


def _run_through(schedules: Iterable[_ParamScheduler], iteration: int, epoch: int) -> None:
    """Step schedules as many times as a training did, in its order."""
    by_iteration = [each for each in schedules if not each.by_epoch]
    for _ in range(iteration):
        for each in by_iteration:
            each.step()
    for _ in range(epoch):
        for each in schedules:
            if each.by_epoch:
                each.step()
