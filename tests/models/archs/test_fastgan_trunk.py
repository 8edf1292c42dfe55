"""What holds for both of FastGAN's discriminators."""

import pytest
import torch
from torch.nn import functional as F

from mmfncontra.models.archs import FastGANBigDiscriminator, FastGANDiscriminator, FastGANGenerator
from mmfncontra.registry import MODELS

SIZES = (64, 128, 256, 512, 1024)
# Trunk maps at base_channels=64: resolution → channels.
TRUNK = {256: 16, 128: 32, 64: 64, 32: 128, 16: 256, 8: 512}

pytestmark = pytest.mark.parametrize('kind', [FastGANDiscriminator, FastGANBigDiscriminator])


def images(size):
    return torch.rand(2, 3, size, size) * 2 - 1


def sides(kind, size):
    return [size, min(128, size // 2)] if kind is FastGANDiscriminator else [size]


@pytest.mark.parametrize('size', SIZES)
def test_every_size_runs_and_trains(kind, size):
    generator = FastGANGenerator(size, base_channels=4, small=kind is FastGANDiscriminator)
    discriminator = kind(size, base_channels=8)
    fakes = generator(torch.randn(2, generator.noise_size))
    assert [tuple(x.shape) for x in fakes] == [(2, 3, side, side) for side in sides(kind, size)]
    logits, reconstructions, targets = discriminator(fakes, decode=True)
    d = min(128, size)
    assert logits.shape == (2, 50 if kind is FastGANDiscriminator else 1)
    assert len(reconstructions) == len(targets) == len(fakes) + 1
    assert all(x.shape == (2, 3, d, d) for x in reconstructions + targets)
    assert all(x is targets[0] for x in targets[:-1])
    assert not any(x.requires_grad for x in targets)
    (logits.mean() + sum(x.square().mean() for x in reconstructions)).backward()
    for network in (generator, discriminator):
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize('size', SIZES)
def test_tapped_maps_have_the_published_shapes_and_survive_the_forward(kind, size):
    discriminator = kind(in_size=size, base_channels=16)
    kept, copies = [], []
    for name in discriminator.feature_taps:
        discriminator.get_submodule(name).register_forward_hook(
            lambda module, args, output: kept.append(output) or copies.append(output.clone())
        )
    discriminator(images(size), decode=True)
    expected = [(2, c // 4, r, r) for r, c in TRUNK.items() if r <= size]
    assert [tuple(x.shape) for x in kept] == expected
    assert all(torch.equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_tensor_is_resized(kind):
    discriminator = kind(64, base_channels=8).eval()
    x = images(96)
    resized = [F.interpolate(x, size=side) for side in sides(kind, 64)]
    torch.testing.assert_close(discriminator(x), discriminator([*resized, None]))


@pytest.mark.parametrize('quadrant', range(4))
def test_fixed_quadrant_targets(kind, quadrant):
    x = images(64)
    _, _, (whole, *_, part) = kind(64, base_channels=8)(x, decode=True, quadrant=quadrant)
    top, left = 32 * (quadrant // 2), 32 * (quadrant % 2)
    assert torch.equal(whole, x)
    cropped = x[:, :, top : top + 32, left : left + 32]
    assert torch.equal(part, cropped.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_drawn_quadrants_cover_all_four(kind):
    discriminator = kind(64, base_channels=8).eval()
    x = torch.arange(4.0).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    x = x.repeat_interleave(32, 2).repeat_interleave(32, 3)
    drawn = [discriminator(x, decode=True)[2][-1].unique().tolist() for _ in range(30)]
    assert all(len(values) == 1 for values in drawn)
    assert {values[0] for values in drawn} == {0, 1, 2, 3}


def test_second_derivatives_reach_the_weights(kind):
    """A gradient penalty differentiates through the discriminator twice."""
    discriminator = kind(64, base_channels=8, decoders=False)
    x = images(64).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert next(discriminator.stem.parameters()).grad.abs().sum() > 0


def test_registered(kind):
    built = MODELS.build(dict(type=kind.__name__, in_size=64, base_channels=4))
    assert isinstance(built, kind)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(in_size=2048), r'in_size must be one of \(64.*got 2048'),
        (dict(base_channels=0), 'base_channels must be a positive .* got 0'),
        (dict(in_channels=-1), 'in_channels must be a positive .* got -1'),
    ],
)
def test_refused_arguments(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)


def test_refused_calls(kind):
    with pytest.raises(ValueError, match='quadrant must be 0, 1, 2, 3 or None, got 4'):
        kind(64, base_channels=8)(images(64), decode=True, quadrant=4)
    with pytest.raises(ValueError, match='decoders=False'):
        kind(64, base_channels=8, decoders=False)(images(64), decode=True)
    wanted = ' and '.join(f'{side}²' for side in sides(kind, 64))
    with pytest.raises(ValueError, match=rf'x must be images of {wanted} pixels, got \[\(48, 48\)'):
        kind(64, base_channels=8)([images(48)] * 2)
