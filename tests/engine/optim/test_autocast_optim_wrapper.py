import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import remove_spectral_norm, spectral_norm
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.engine import AutocastOptimWrapper
from mmfncontra.models.layers import use_lean_spectral_norm
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


def _gradients(model, passes):
    loss = sum(model(x).float().square().mean() for x in passes)
    loss.backward()
    return [p.grad for p in model.parameters()]


def test_gradients_are_those_of_float32_to_its_tolerance():
    torch.manual_seed(0)
    model = nn.Sequential(
        spectral_norm(nn.Conv2d(3, 8, 3)), nn.BatchNorm2d(8), nn.LeakyReLU(0.2), nn.Conv2d(8, 4, 3)
    )
    other = copy.deepcopy(model)
    use_lean_spectral_norm(model)
    passes = torch.randn(2, 4, 3, 8, 8)
    expected = _gradients(other, passes)
    with _wrapper(model).optim_context(model):
        ours = _gradients(model, passes)
    for gradient, reference in zip(ours, expected, strict=True):
        assert gradient.dtype == torch.float32
        error = (gradient - reference).norm() / reference.norm().clamp_min(1e-2)
        assert error < 0.03
    # Statistics and the norm's vectors are those of float32 inputs of the layer, never rounded.
    assert model[1].running_var.dtype == model[0].weight_u.dtype == torch.float32
    torch.testing.assert_close(model[0].weight_u, other[0].weight_u)


def test_a_weight_is_cast_once_in_a_region():
    model = nn.Linear(8, 8)
    casts = []

    class Counter(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function is torch.ops.aten._to_copy.default and args[0] is model.weight:
                casts.append(kwargs['dtype'])
            return function(*args, **(kwargs or {}))

    wrapper = _wrapper(model)
    x = torch.randn(2, 8)
    for region in (1, 2):
        with wrapper.optim_context(model), Counter():
            for _ in range(3):
                model(x)
        assert casts == [torch.bfloat16] * region


def test_spectral_norm_leaves_autocast(monkeypatch):
    """On a GPU its products would be in half precision; here the flag is looked at."""
    model = spectral_norm(nn.Linear(8, 4))
    use_lean_spectral_norm(model)
    seen, mv = [], torch.mv

    def spy(*args):
        seen.append(torch.is_autocast_enabled('cpu'))
        return mv(*args)

    monkeypatch.setattr(torch, 'mv', spy)
    with _wrapper(model).optim_context(model):
        assert model(torch.randn(2, 8)).dtype == torch.bfloat16
    assert seen and not any(seen)
    remove_spectral_norm(model)
