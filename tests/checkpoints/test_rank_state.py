import random

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmfncontra.checkpoints.rank_state import (
    gather_rank_states,
    get_accumulated,
    get_buffers,
    get_random_state,
    set_accumulated,
    set_random_state,
)

CPU = torch.device('cpu')


def draw():
    return [random.gauss(0, 1), np.random.randn(), torch.randn(()).item(), random.random()]


def test_random_numbers_go_on_where_they_were(tmp_path):
    draw()  # numpy and python draw two normal numbers at once and keep one of them
    torch.save(get_random_state(CPU), tmp_path / 'state.pt')
    expected = [draw(), draw()]
    set_random_state(torch.load(tmp_path / 'state.pt', weights_only=True), CPU)
    assert [draw(), draw()] == expected


@pytest.mark.parametrize(
    'change',
    [
        dict(python=None),
        dict(numpy=[]),
        dict(torch=torch.zeros(3)),
        dict(numpy=['MT19937', torch.zeros(3), 0, 0, 0.0]),
    ],
)
def test_what_is_no_state_is_refused(change):
    state = get_random_state(CPU)
    with pytest.raises(ValueError, match='random states must be those of a training'):
        set_random_state(state | change, CPU)
    with pytest.raises(ValueError, match="got 'python'"):
        set_random_state({}, CPU)


def test_buffers_are_those_of_a_checkpoint():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.utils.spectral_norm(nn.Linear(2, 2)))
    model.register_buffer('passing', torch.zeros(1), persistent=False)
    assert set(get_buffers(model)) == {
        *('0.running_mean', '0.running_var', '0.num_batches_tracked'),
        *('1.weight_u', '1.weight_v'),
    }


def test_only_what_differs_from_the_first_rank_is_kept(monkeypatch):
    model = nn.BatchNorm2d(2)
    model.running_mean.fill_(torch.nan)

    def two_ranks(state):
        other = dict(random=state['random'], buffers=dict(state['buffers']))
        other['buffers']['running_var'] = torch.full((2,), 3.0)
        return [state, other]

    monkeypatch.setattr('mmfncontra.checkpoints.rank_state.all_gather_object', two_ranks)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0))
    one, two = gather_rank_states(model, wrapper, CPU)
    assert one['buffers'] == {}
    assert list(two['buffers']) == ['running_var']
    assert two['buffers']['running_var'].tolist() == [3.0, 3.0]


@pytest.mark.parametrize('named', [False, True])
@pytest.mark.parametrize('left_at', [2, 3, 4])
def test_accumulated_gradients_go_on(left_at, named):
    inputs = torch.randn(7, 4, 3)

    def build():
        torch.manual_seed(1)
        model = nn.Linear(3, 1)
        wrapper = OptimWrapper(torch.optim.Adam(model.parameters()), accumulative_counts=3)
        return model, wrapper, OptimWrapperDict(net=wrapper) if named else wrapper

    def train(model, wrapper, batches):
        for batch in batches:
            wrapper.update_params(model(batch).square().mean())

    model, wrapper, _ = build()
    train(model, wrapper, inputs)
    first, first_wrapper, held = build()
    train(first, first_wrapper, inputs[:left_at])
    accumulated = get_accumulated(held)
    second, second_wrapper, held = build()
    second.load_state_dict(first.state_dict())
    second_wrapper.load_state_dict(first_wrapper.state_dict())
    set_accumulated(held, accumulated)
    train(second, second_wrapper, inputs[left_at:])
    for one, other in zip(model.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other) and torch.equal(one.grad, other.grad)


def test_accumulated_gradients_of_another_model_are_refused():
    wrapper = OptimWrapper(
        torch.optim.SGD(nn.Linear(3, 1).parameters(), lr=1.0), accumulative_counts=2
    )
    with pytest.raises(ValueError, match='must be those of its parameters'):
        set_accumulated(wrapper, {'': dict(count=1, gradients=[torch.zeros(1, 3)])})


@pytest.mark.gpu
def test_numbers_of_the_device_go_on():
    device = torch.device('cuda', 0)
    state = get_random_state(device)
    expected = torch.randn(4, device=device)
    set_random_state(state, device)
    assert torch.equal(torch.randn(4, device=device), expected)
