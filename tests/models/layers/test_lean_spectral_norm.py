import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm

from mmfncontra.models.layers import LeanSpectralNorm, use_lean_spectral_norm

LAYERS = {
    'conv': (lambda: nn.Conv2d(3, 6, 3), (2, 3, 8, 8)),
    'transposed conv': (lambda: nn.ConvTranspose2d(3, 6, 4), (2, 3, 2, 2)),
    'linear': (lambda: nn.Linear(5, 4), (2, 5)),
}


def pair(name, **options):
    """A layer under torch's normalisation, a copy under ours, and an input."""
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    oracle = spectral_norm(make(), **options).double()
    ours = copy.deepcopy(oracle)
    use_lean_spectral_norm(ours)
    assert [type(h) for h in ours._forward_pre_hooks.values()] == [LeanSpectralNorm]
    return oracle, ours, torch.randn(shape, dtype=torch.double)


@pytest.mark.parametrize('iterations', [1, 3])
@pytest.mark.parametrize('name', LAYERS)
def test_equals_torchs(name, iterations):
    oracle, ours, x = pair(name, n_power_iterations=iterations)
    for training in (True, True, False):
        outputs = [layer.train(training)(x) for layer in (oracle, ours)]
        torch.testing.assert_close(outputs[1], outputs[0])
        for layer, output in zip((oracle, ours), outputs, strict=True):
            layer.zero_grad()
            output.square().sum().backward()
        for one, other in zip(ours.parameters(), oracle.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)
    assert ours.state_dict().keys() == oracle.state_dict().keys()
    for key, value in oracle.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[key], value)


def test_two_forwards_before_one_backward():
    oracle, ours, x = pair('conv')
    for layer in (oracle, ours):
        (layer(x).square().sum() - layer(-2 * x).square().sum()).backward()
    torch.testing.assert_close(ours.weight_orig.grad, oracle.weight_orig.grad)


@pytest.mark.parametrize('name', ['conv', 'transposed conv'])
def test_gradients_of_a_gradient_penalty(name):
    oracle, ours, x = pair(name)
    for layer in (oracle, ours):
        images = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(layer(images).tanh().sum(), images, create_graph=True)
        gradient.square().sum().backward()
    torch.testing.assert_close(ours.weight_orig.grad, oracle.weight_orig.grad)


def test_second_derivatives_by_the_weight():
    oracle, ours, x = pair('conv')
    towards = torch.randn_like(oracle.weight_orig)
    results = []
    for layer in (oracle, ours):
        loss = layer(x).tanh().sum()
        (gradient,) = torch.autograd.grad(loss, layer.weight_orig, create_graph=True)
        results.append(torch.autograd.grad((gradient * towards).sum(), layer.weight_orig)[0])
    torch.testing.assert_close(results[1], results[0])


def test_frozen_weights_take_no_gradient():
    _, ours, x = pair('conv')
    ours.requires_grad_(False)
    x.requires_grad_()
    ours(x).sum().backward()
    assert x.grad is not None and ours.weight_orig.grad is None


def test_a_second_derivative_leaves_autocast(monkeypatch):
    """A GPU's product of a matrix and a vector would be bfloat16, and the gradient coarse by it."""
    _, ours, x = pair('conv')
    ours, x = ours.float(), x.float()
    within = []
    product = torch.mv

    def watched(*args):
        within.append(torch.is_autocast_enabled('cpu'))
        return product(*args)

    monkeypatch.setattr(torch, 'mv', watched)
    with torch.autocast('cpu', torch.bfloat16):
        loss = ours(x).square().sum()
        (gradient,) = torch.autograd.grad(loss, ours.weight_orig, create_graph=True)
        gradient.square().sum().backward()
    assert len(within) >= 3 and not any(within)


def test_gradients_of_weights_laid_out_channels_last():
    oracle, ours, x = pair('conv')
    ours.weight_orig.data = ours.weight_orig.data.contiguous(memory_format=torch.channels_last)
    for layer in (oracle, ours):
        layer(x.contiguous(memory_format=torch.channels_last)).square().sum().backward()
    torch.testing.assert_close(ours.weight_orig.grad, oracle.weight_orig.grad)
