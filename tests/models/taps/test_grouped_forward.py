import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm

from mmfncontra.models.archs import FastGANBigDiscriminator, FastGANDiscriminator
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.layers import use_lean_spectral_norm
from mmfncontra.models.regularisers import CHAIN
from mmfncontra.models.taps import can_group, forward_each


def wrapped(network):
    head = dict(type='mmfncontra.WaveletContrastiveHead')
    return ContrastiveDiscriminator(network, head).train()


def batches(groups, size=64, num=3):
    # Each group with statistics of its own.
    return [torch.randn(num, 3, size, size) * (0.3 + i) + i / 4 for i in range(groups)]


@pytest.mark.parametrize('network', [FastGANDiscriminator, FastGANBigDiscriminator])
@pytest.mark.parametrize('groups', [2, 4])
def test_equals_separate_forwards_and_moves_buffers_as_they_do(network, groups):
    one = wrapped(network(64, base_channels=8)).double()
    for parameter in one.parameters():  # biases start at 0, which would hide their scaling
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.3)
    other = copy.deepcopy(one)
    assert can_group(one)
    images = [x.double() for x in batches(groups)]
    for _ in range(2):
        together = forward_each(one, images, embed=True, prototypes=True)
        with torch.no_grad():
            apart = [other(x, embed=True, prototypes=True) for x in images]
        for (_, embedding, maps), (_, expected, expected_maps) in zip(together, apart, strict=True):
            torch.testing.assert_close(embedding, expected, atol=1e-9, rtol=1e-9)
            for ours, theirs in zip(maps, expected_maps, strict=True):
                torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)
    state = other.state_dict()
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, state[name], atol=1e-9, rtol=1e-9, msg=name)
    # Nothing is left behind.
    gradient = one(images[0], embed=True)[1].sum()
    gradient.backward()
    assert not any('forward' in vars(module) for module in one.modules())


def test_power_iterations_are_exact_under_autocast(monkeypatch):
    """Autocast of a CPU leaves such products alone; that of a GPU does not."""
    seen, product = [], torch.mv
    monkeypatch.setattr(
        torch, 'mv', lambda *args: seen.append(torch.is_autocast_enabled('cpu')) or product(*args)
    )
    network = wrapped(FastGANDiscriminator(64, base_channels=8))
    use_lean_spectral_norm(network)
    with torch.autocast('cpu', torch.bfloat16):
        forward_each(network, batches(3), embed=True)
    assert seen and not any(seen)


def test_in_evaluation_mode_buffers_stay():
    network = wrapped(FastGANDiscriminator(64, base_channels=8)).eval()
    before = copy.deepcopy(network.state_dict())
    images = batches(3)
    together = forward_each(network, images, embed=True)
    for (_, embedding, maps), x in zip(together, images, strict=True):
        torch.testing.assert_close(embedding, network(x, embed=True)[1], atol=1e-5, rtol=1e-4)
        assert maps is None
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


class Mixing(nn.Sequential):
    """Says the truth of itself: a layer that this package does not know may mix the samples."""

    samples_meet_in_batchnorm_only = True
    has_decoders = False
    in_size = 16
    feature_taps = ('0', '1')


def test_does_not_group_what_it_does_not_know():
    convs = spectral_norm(nn.Conv2d(3, 8, 4, 2, 1)), spectral_norm(nn.Conv2d(8, 16, 3, 1, 1))
    plain = wrapped(Mixing(*convs, nn.Flatten(), nn.Linear(16 * 64, 1)))
    assert can_group(plain)
    assert not can_group(wrapped(Mixing(*convs, nn.Dropout(), nn.Flatten(), nn.Linear(1024, 1))))
    assert not can_group(nn.Sequential(*convs))  # does not say so
    plain.backbone[0].register_forward_hook(lambda *_: None)
    assert not can_group(plain)
    regularised = FastGANBigDiscriminator(64, base_channels=8)
    CHAIN().attach(regularised, 64)
    assert not can_group(wrapped(regularised))


def test_what_cannot_be_grouped_passes_one_by_one():
    network = wrapped(FastGANDiscriminator(64, base_channels=8))
    network.backbone.samples_meet_in_batchnorm_only = False
    other = copy.deepcopy(network)
    images = batches(2)
    outputs = forward_each(network, images, prototypes=True)
    with torch.no_grad():
        expected = [other(x, prototypes=True) for x in images]
    assert torch.equal(outputs[1][0], expected[1][0])
    assert torch.equal(outputs[1][2][0], expected[1][2][0])
    assert not outputs[0][0].requires_grad


def test_labels_are_repeated_for_every_group():
    class Conditional(Mixing):
        def forward(self, x, label):
            return super().forward(x + label.view(-1, 1, 1, 1))

    torch.manual_seed(0)
    convs = nn.Conv2d(3, 8, 4, 2, 1), nn.Conv2d(8, 16, 3, 1, 1)
    probe = Mixing(*convs, nn.Flatten(), nn.Linear(1024, 1))
    network = wrapped(probe)
    network.backbone = Conditional(*probe)
    images, label = batches(2, 16), torch.arange(3.0)
    outputs = forward_each(network, images, embed=True, prototypes=True, label=label)
    one_by_one = copy.deepcopy(network)
    for x, (_, _, maps) in zip(images, outputs, strict=True):
        with torch.no_grad():
            expected = one_by_one(x, prototypes=True, label=label)[2]
        torch.testing.assert_close(maps[0], expected[0], atol=1e-6, rtol=1e-5)


def test_does_not_group_what_is_compiled():
    network = wrapped(FastGANDiscriminator(64, base_channels=8))
    block = network.backbone.stem
    block.forward = torch.compile(block.forward, backend='eager')
    assert not can_group(network)
