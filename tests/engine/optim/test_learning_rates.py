import pytest
import torch
from mmengine.optim import CosineAnnealingLR, MultiStepLR, OptimWrapper, OptimWrapperDict
from torch import nn

from mmfncontra.engine.optim.learning_rates import scale_learning_rates


def build():
    wrapper = OptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.5))
    schedulers = [
        MultiStepLR(wrapper, milestones=[3], gamma=0.1, by_epoch=False),
        CosineAnnealingLR(wrapper, T_max=8, eta_min=0.01, by_epoch=False),
    ]
    return wrapper, schedulers


def rates(wrapper, schedulers, num=8):
    found = []
    for _ in range(num):
        wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
        found.append(wrapper.param_groups[0]['lr'])
    return found


@pytest.mark.parametrize('named', [False, True])
@pytest.mark.parametrize('before', [0, 2])
def test_a_schedule_goes_on_scaled(named, before):
    plain, slower = build(), build()
    rates(*plain, before), rates(*slower, before)
    expected = [rate * 0.25 for rate in rates(*plain)]
    wrapper, schedulers = slower
    if named:
        scale_learning_rates(OptimWrapperDict(net=wrapper), dict(net=schedulers), 0.25)
    else:
        scale_learning_rates(wrapper, schedulers, 0.25)
    assert rates(wrapper, schedulers) == pytest.approx(expected, rel=1e-12)


def test_without_a_schedule():
    wrapper, _ = build()
    scale_learning_rates(wrapper, None, 0.5)
    assert wrapper.param_groups[0]['lr'] == 0.25
