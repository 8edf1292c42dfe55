import pytest
import torch
from torch import nn

from mmfncontra.engine import AutocastOptimWrapper
from mmfncontra.registry import OPTIM_WRAPPERS


def _wrapper(model, **kwargs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return OPTIM_WRAPPERS.build(dict(type='AutocastOptimWrapper', optimizer=optimizer, **kwargs))


def test_the_step_is_that_of_plain_autocast():
    torch.manual_seed(0)
    model, other = nn.Linear(8, 4), nn.Linear(8, 4)
    other.load_state_dict(model.state_dict())
    x = torch.randn(5, 8)
    wrapper = _wrapper(model)
    with wrapper.optim_context(model):
        assert torch.is_autocast_enabled('cpu')
        output = model(x)
    assert not torch.is_autocast_enabled('cpu')
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().square().mean())

    with torch.autocast('cpu', torch.bfloat16):
        expected = other(x)
    expected.float().square().mean().backward()
    torch.testing.assert_close(model.weight, other.weight - 0.1 * other.weight.grad)
    assert model.weight.dtype == torch.float32


def test_contexts_nest_and_accumulation_is_kept():
    model = nn.Linear(2, 2)
    wrapper = _wrapper(model, accumulative_counts=2)
    before = model.weight.clone()
    for step in range(2):
        with wrapper.optim_context(model), wrapper.optim_context(model):
            loss = model(torch.ones(1, 2)).sum()
        wrapper.update_params(loss)
        assert torch.equal(model.weight, before) == (step == 0)


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="dtype must be 'bfloat16', got 'float16'"):
        AutocastOptimWrapper('float16', optimizer=torch.optim.SGD([torch.zeros(1)], lr=1))
