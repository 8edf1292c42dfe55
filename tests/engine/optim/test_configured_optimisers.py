import copy

import pytest
import torch
from deep_equality import differences
from mmengine.optim import CosineAnnealingLR, LinearMomentum, OneCycleLR, OptimWrapper, StepLR
from mmengine.optim import OptimWrapperDict as Wrappers
from torch import nn
from torch.optim import SGD, Adam

from mmfncontra.engine.optim.configured_optimisers import ConfiguredOptimisers
from mmfncontra.engine.optim.learning_rates import scale_learning_rates

SCHEDULES = dict(
    cosine=lambda o: CosineAnnealingLR(o, T_max=9, by_epoch=False, eta_min=1e-5),
    steps=lambda o: StepLR(o, step_size=2, gamma=0.5, by_epoch=False),
    one_cycle=lambda o: OneCycleLR(o, eta_max=1e-2, total_steps=9, by_epoch=False),
    momentum=lambda o: LinearMomentum(o, start_factor=0.5, end=8, by_epoch=False),
)


class Training:
    """A layer with its optimiser, and schedules of it."""

    def __init__(self, schedules=(), kind=Adam, groups=False, **settings):
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 3)
        weights = self.layer.parameters()
        groups = [dict(params=[weight]) for weight in weights] if groups else weights
        self.wrapper = OptimWrapper(kind(groups, **{'lr': 1e-3, **settings}))
        self.schedules = [SCHEDULES[name](self.wrapper) for name in schedules]
        self.configured = ConfiguredOptimisers(Wrappers(g=self.wrapper), dict(g=self.schedules))

    def step(self, number=5):
        for _ in range(number):
            self.wrapper.update_params(self.layer(torch.ones(4, 2)).square().mean())
            for schedule in self.schedules:
                schedule.step()
        return self

    def scale(self, factor):
        scale_learning_rates(Wrappers(g=self.wrapper), dict(g=self.schedules), factor)
        return self

    def save(self, scale=1.0):
        return copy.deepcopy(
            dict(
                optimizer=dict(g=self.wrapper.state_dict()),
                param_schedulers=dict(g=[each.state_dict() for each in self.schedules]),
                message_hub=dict(runtime_info=dict(lr_scale=scale)),
            )
        )

    def load(self, checkpoint, iteration=5):
        changes = self.configured.settle(checkpoint)
        self.wrapper.load_state_dict(checkpoint['optimizer']['g'])
        states = checkpoint.get('param_schedulers', {}).get('g', [])
        for schedule, state in zip(self.schedules, states, strict=False):
            schedule.load_state_dict(state)
        self.configured.replay(Wrappers(g=self.wrapper), dict(g=self.schedules), iteration)
        return changes

    @property
    def group(self):
        return self.wrapper.param_groups[0]


@pytest.mark.parametrize('schedules', [[], *([name] for name in SCHEDULES), ['steps', 'momentum']])
@pytest.mark.parametrize('scale', [1.0, 0.5])
def test_what_is_the_same_is_left_as_it_is(schedules, scale):
    saved = Training(schedules).step(3).scale(scale).step(2).save(scale)
    before = copy.deepcopy(saved)
    assert Training(schedules).load(saved) == {}
    assert differences(before, saved) == []


@pytest.mark.parametrize('schedules', [['cosine'], ['steps'], ['one_cycle'], ['steps', 'momentum']])
def test_other_schedules_are_run_through(schedules):
    saved = Training().step().save()
    expected, resumed = Training(schedules).step(), Training(schedules)
    resumed.load(saved)
    for _ in range(3):
        assert resumed.group['lr'] == expected.group['lr']
        assert resumed.group['betas'] == expected.group['betas']
        expected.step(1), resumed.step(1)
    resumed = Training()
    resumed.load(expected.save())
    assert resumed.group['lr'] == 1e-3 and not {'initial_lr', 'momentum'} & resumed.group.keys()


def test_a_changed_rate_goes_without_the_factor_of_roll_backs():
    saved = Training(['cosine']).scale(0.25).step().save(0.25)
    resumed = Training(['cosine'], lr=2e-3)
    assert resumed.load(saved) == {'optim_wrapper.g.optimizer.lr': (0.00025, 2e-3)}
    assert saved['message_hub']['runtime_info']['lr_scale'] == 1
    assert resumed.group['lr'] == Training(['cosine'], lr=2e-3).step().group['lr']
    # Another schedule alone keeps it.
    saved = Training().scale(0.25).step().save(0.25)
    resumed = Training(['steps'])
    assert resumed.load(saved) == {}
    assert resumed.group['lr'] == Training(['steps']).step().group['lr'] / 4


def test_groups_of_the_same_weights():
    saved = Training().step().save()
    state = copy.deepcopy(saved['optimizer']['g']['state'])
    resumed = Training(groups=True)
    resumed.load(saved)
    assert len(resumed.wrapper.optimizer.param_groups) == 2
    assert differences(state, resumed.wrapper.state_dict()['state']) == []
    back = Training()
    back.load(resumed.save())
    assert len(back.wrapper.param_groups) == 1
    assert differences(state, back.wrapper.state_dict()['state']) == []


@pytest.mark.parametrize(('kind', 'settings'), [(SGD, dict(momentum=0.9)), (Adam, dict(amsgrad=1))])
def test_a_state_that_is_of_no_use_is_dropped(kind, settings):
    resumed = Training(kind=kind, **settings)
    changes = resumed.load(Training(weight_decay=0.1).step().save())
    assert changes['optim_wrapper.g.optimizer.state'] == ('kept', 'begins anew')
    assert not resumed.wrapper.state_dict()['state'] and resumed.group['weight_decay'] == 0
    resumed.step(1)


def test_other_weights_are_refused():
    saved = Training().step().save()
    saved['optimizer']['g']['param_groups'][0]['params'] = [0, 1, 2]
    with pytest.raises(ValueError, match='has 3 weights, that of the config 2'):
        Training().load(saved)
    saved['optimizer']['other'] = saved['optimizer'].pop('g')
    with pytest.raises(ValueError, match='optimisers of other, the config of g'):
        Training().load(saved)
