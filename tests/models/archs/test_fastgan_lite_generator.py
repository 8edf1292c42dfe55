"""Projected GAN's light generator; its parameters are counted with the discriminator's test."""

import copy

import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANLiteGenerator

SMALL = dict(out_size=64, base_channels=4, noise_size=8)


def noise(num, seed=0):
    return torch.randn(num, 8, generator=torch.Generator().manual_seed(seed))


def test_the_length_of_the_noise_says_nothing():
    torch.manual_seed(0)
    generator = FastGANLiteGenerator(**SMALL)
    same, seen = copy.deepcopy(generator), []
    generator.initial.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        one, other = generator(noise(4)), same(7 * noise(4))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    lengths = seen[0].flatten(1).square().mean(dim=1)
    torch.testing.assert_close(lengths, torch.ones(4), rtol=1e-5, atol=1e-5)


def test_the_output_is_linear_in_its_last_map():
    torch.manual_seed(0)
    generator = FastGANLiteGenerator(**SMALL).eval()
    assert not any(isinstance(module, nn.Tanh) for module in generator.modules())
    last = []
    generator.up_64.register_forward_hook(lambda *hook: last.append(hook[-1]))
    with torch.no_grad():
        images = generator(noise(2))
        gate = generator.skip_64(generator.initial(_scaled(noise(2))[:, :, None, None]))
        torch.testing.assert_close(images, generator.to_image(last[0] * gate))


def _scaled(x):
    return x / (x.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()


@pytest.mark.parametrize('size', [64, 128, 256])
def test_one_image_of_its_size_with_or_without_gates(size):
    with_gates, without = (
        FastGANLiteGenerator(**{**SMALL, 'out_size': size}, excitations=each)
        for each in (True, False)
    )
    with torch.no_grad():
        assert with_gates(noise(2)).shape == without(noise(2)).shape == (2, 3, size, size)
    named = {name.split('.')[0] for name, _ in with_gates.named_parameters()}
    bare = {name.split('.')[0] for name, _ in without.named_parameters()}
    assert named - bare == {f'skip_{r}' for r in (64, 128, 256) if r <= size}


def test_full_blocks_have_noise():
    torch.manual_seed(0)
    generator = FastGANLiteGenerator(**SMALL, full=True).eval()
    strengths = [p for p in generator.parameters() if p.numel() == 1]
    assert len(strengths) == 2 * len(generator.resolutions)
    assert all(p.item() == 0 for p in strengths)
    with torch.no_grad():
        quiet = torch.equal(generator(noise(1)), generator(noise(1)))
        for p in strengths:
            p.fill_(1.0)
        assert quiet and not torch.equal(generator(noise(1)), generator(noise(1)))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(out_size=100), 'out_size must be one of'),
        (dict(base_channels=0), 'base_channels must be a positive integer'),
        (dict(full='False'), "full must be True or False, got 'False'"),
        (dict(noise_size='many'), 'noise_size must be a positive integer'),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        FastGANLiteGenerator(**{**SMALL, **arguments})
