import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm

from mmfncontra.models.archs import FastGANDiscriminator, FastGANGenerator
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.layers import (
    JointSpectralNorm,
    LeanSpectralNorm,
    normalise_jointly,
    use_lean_spectral_norm,
)
from mmfncontra.models.taps import can_group, forward_each


class Network(nn.Module):
    """A network with each kind of layer, one of which runs on request alone."""

    def __init__(self, iterations=1):
        super().__init__()
        options = dict(n_power_iterations=iterations)
        self.conv = spectral_norm(nn.Conv2d(3, 6, 3), **options)
        self.up = spectral_norm(nn.ConvTranspose2d(6, 4, 2), **options)
        self.extra = nn.Sequential(spectral_norm(nn.Conv2d(4, 4, 1), **options))
        self.last = spectral_norm(nn.Linear(4, 2), **options)

    def idle_parts(self, _, extra=False):
        return () if extra else ('extra',)

    def forward(self, x, extra=False):
        x = self.up(self.conv(x).tanh()).tanh()
        return self.last((self.extra(x) if extra else x).mean((2, 3)))


def pair(make=Network, **options):
    """The same network twice in double precision, its norms each by itself and joined."""
    torch.manual_seed(0)
    one = make(**options).double()
    use_lean_spectral_norm(one)
    other = copy.deepcopy(one)
    normalise_jointly(other)
    return one, other


def equal(one, other):
    state = one.state_dict()
    assert state.keys() == other.state_dict().keys()
    for name, value in other.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=1e-12, atol=1e-12, msg=name)


def count_moves(monkeypatch):
    moved, move_on = [], LeanSpectralNorm._move_on
    monkeypatch.setattr(
        LeanSpectralNorm, '_move_on', lambda *args: moved.append(args) or move_on(*args)
    )
    return moved


@pytest.mark.parametrize('iterations', [1, 2])
def test_equals_each_norm_by_itself(iterations, monkeypatch):
    one, other = pair(iterations=iterations)
    x = torch.randn(2, 3, 6, 6, dtype=torch.double)
    for extra in (False, True, False):
        for network in (one, other):
            moved = count_moves(monkeypatch)
            network.zero_grad()
            outputs = network(x, extra=extra), network(-2 * x, extra)
            (outputs[0].square().sum() - outputs[1].square().sum()).backward()
            assert bool(moved) is (network is one)
            monkeypatch.undo()
        for ours, theirs in zip(other.parameters(), one.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12)
        equal(one, other)


def test_gradients_of_a_gradient_penalty():
    one, other = pair()
    x = torch.randn(2, 3, 6, 6, dtype=torch.double)
    for network in (one, other):
        images = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
        gradient.square().sum().backward()
    torch.testing.assert_close(other.conv.weight_orig.grad, one.conv.weight_orig.grad)


def test_what_is_not_in_training_or_is_called_by_itself():
    one, other = pair()
    x = torch.randn(2, 3, 6, 6, dtype=torch.double)
    for network in (one, other):
        network.up.eval()  # as frozen layers may be
        network(x)
        network.conv(x)
        network.eval()(x)
    equal(one, other)


def test_a_copy_has_plans_of_its_own():
    one, other = pair()
    x = torch.randn(2, 3, 6, 6, dtype=torch.double)
    with torch.no_grad():  # torch copies no weight that has a gradient's history
        one(x), other(x)
    copied = copy.deepcopy(other)
    copied(x)
    equal(one, other)
    one(x)
    equal(one, copied)


def test_is_for_networks_that_say_what_is_idle():
    silent = nn.Sequential(spectral_norm(nn.Linear(2, 2)))
    use_lean_spectral_norm(silent)
    normalise_jointly(silent)
    normalise_jointly(None)
    plain = FastGANGenerator(out_size=64, base_channels=4)  # torch's own norms
    normalise_jointly(plain)
    assert not silent._forward_pre_hooks and not plain._forward_pre_hooks


@pytest.mark.parametrize('decode', [False, True])
def test_fastgan(decode):
    one, other = pair(FastGANDiscriminator, in_size=64, base_channels=4)
    for network in (one, other):
        torch.manual_seed(1)
        images = torch.rand(2, 3, 64, 64, dtype=torch.double)
        with torch.no_grad():
            network(images, decode=decode)
    equal(one, other)


def test_batches_that_pass_together():
    one, other = pair(
        lambda: ContrastiveDiscriminator(
            FastGANDiscriminator(64, base_channels=4),
            dict(type='mmfncontra.WaveletContrastiveHead'),
        )
    )
    normalise_jointly(other.backbone)
    assert can_group(other)
    batches = [torch.rand(2, 3, 64, 64, dtype=torch.double) * (1 + i) for i in range(3)]
    with torch.no_grad():
        apart = [one(batch, embed=True)[1] for batch in batches]
    together = [embedding for _, embedding, _ in forward_each(other, batches, embed=True)]
    for ours, theirs in zip(together, apart, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    equal(one, other)
    hooks = other.backbone._forward_pre_hooks.values()
    assert [hook.groups for hook in hooks if isinstance(hook, JointSpectralNorm)] == [1]
