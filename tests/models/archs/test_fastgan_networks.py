import pytest
import torch
from torch.nn import functional as F

from mmfncontra.models.archs import FastGANDiscriminator, FastGANGenerator
from mmfncontra.models.archs.fastgan_blocks import NoiseInjection
from mmfncontra.registry import MODELS

SIZES = (64, 128, 256, 512, 1024)
# Trunk maps at base_channels=64: resolution → channels.
TRUNK = {256: 16, 128: 32, 64: 64, 32: 128, 16: 256, 8: 512}


def parameters(module):
    return sum(p.numel() for p in module.parameters()) / 1e6


def discriminator64(**kwargs):
    return FastGANDiscriminator(in_size=64, base_channels=8, **kwargs)


def images(size, batch=2):
    return torch.rand(batch, 3, size, size) * 2 - 1


@pytest.mark.parametrize('size', SIZES)
def test_every_size_runs_and_trains(size):
    generator = FastGANGenerator(size, base_channels=8)
    discriminator = FastGANDiscriminator(size, base_channels=8)
    small = min(128, size // 2)
    fakes = generator(torch.randn(2, generator.noise_size))
    assert [tuple(x.shape) for x in fakes] == [(2, 3, size, size), (2, 3, small, small)]

    logits, reconstructions, targets = discriminator(fakes, decode=True)
    d = min(128, size)
    assert logits.shape == (2, 50)
    assert all(x.shape == (2, 3, d, d) for x in reconstructions + targets)
    assert targets[0] is targets[1]
    assert not any(x.requires_grad for x in targets)

    (logits.mean() + sum(x.square().mean() for x in reconstructions)).backward()
    for network in (generator, discriminator):
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize('size', SIZES)
def test_tapped_maps_have_the_published_shapes_and_survive_the_forward(size):
    discriminator = FastGANDiscriminator(in_size=size, base_channels=16, decoders=True)
    kept, copies = [], []
    for name in discriminator.feature_taps:
        discriminator.get_submodule(name).register_forward_hook(
            lambda module, args, output: kept.append(output) or copies.append(output.clone())
        )
    discriminator(images(size), decode=True)
    expected = [(2, c // 4, r, r) for r, c in TRUNK.items() if r <= size]
    assert [tuple(x.shape) for x in kept] == expected
    assert all(torch.equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_registered():
    generator = MODELS.build(dict(type='FastGANGenerator', out_size=64, base_channels=4))
    discriminator = MODELS.build(dict(type='FastGANDiscriminator', in_size=64, base_channels=4))
    assert isinstance(generator, FastGANGenerator)
    assert isinstance(discriminator, FastGANDiscriminator)


def test_published_parameter_counts():
    assert parameters(FastGANGenerator(256)) == pytest.approx(29.13, abs=0.005)
    assert parameters(FastGANGenerator(1024)) == pytest.approx(29.18, abs=0.005)
    head = 512 * 256 * 16 + 256 * 128 * 9 + 2 * (256 + 128)
    assert parameters(FastGANDiscriminator(256)) + head / 1e6 == pytest.approx(13.92, abs=0.005)


def test_excitations_exist_where_both_maps_do():
    def resolutions(network, prefix):
        names = [name for name, _ in network.named_children() if name.startswith(prefix)]
        return [int(name.split('_')[1]) for name in names]

    skips = {64: [64], 128: [64, 128], 256: [64, 128, 256], 1024: [64, 128, 256, 512]}
    for size, expected in skips.items():
        assert resolutions(FastGANGenerator(size, base_channels=4), 'skip_') == expected
    for size, expected in {64: [8], 128: [16, 8], 256: [32, 16, 8], 1024: [32, 16, 8]}.items():
        assert resolutions(FastGANDiscriminator(size, base_channels=4), 'excite_') == expected


def test_tanh_bounds_the_images_at_1024_only():
    for size, bounded in ((64, False), (1024, True)):
        generator = FastGANGenerator(size, base_channels=4)
        with torch.no_grad():  # heads that would leave [-1, 1] if nothing held them
            for head in (generator.to_big, generator.to_small):
                head.register_forward_hook(lambda module, args, output: 100 * output)
            fakes = generator(torch.randn(2, 256))
        for image in fakes:
            assert (image.abs().max() <= 1) == bounded


def test_initialisation():
    generator = FastGANGenerator(64)
    weight = generator.up_8[0].weight_orig
    assert weight.std().item() == pytest.approx(0.02, rel=0.02)
    scale, bias = generator.initial[1].weight, generator.initial[1].bias
    assert scale.mean().item() == pytest.approx(1, abs=0.002)
    assert scale.std().item() == pytest.approx(0.02, rel=0.1)
    assert not bias.any()


def test_noise_injection_adds_one_map_per_sample():
    layer = NoiseInjection()
    x = torch.randn(2, 5, 4, 4)
    assert torch.equal(layer(x), x)
    torch.nn.init.constant_(layer.weight, 3.0)
    added = (layer(x) - x).detach()
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-6, rtol=0)
    assert not torch.allclose(added[0], added[1])


def test_tensor_is_resized_to_the_pair():
    discriminator = discriminator64().eval()
    x = images(96)
    pair = [F.interpolate(x, size=64), F.interpolate(x, size=32)]
    torch.testing.assert_close(discriminator(x), discriminator(pair))


@pytest.mark.parametrize('quadrant', range(4))
def test_fixed_quadrant_targets(quadrant):
    x = images(64)
    _, _, (whole, _, part) = discriminator64()(x, decode=True, quadrant=quadrant)
    top, left = 32 * (quadrant // 2), 32 * (quadrant % 2)
    assert torch.equal(whole, x)
    cropped = x[:, :, top : top + 32, left : left + 32]
    assert torch.equal(part, cropped.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_drawn_quadrants_cover_all_four():
    discriminator = discriminator64().eval()
    x = torch.arange(4.0).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    x = x.repeat_interleave(32, 2).repeat_interleave(32, 3)
    drawn = [discriminator(x, decode=True)[2][2].unique().tolist() for _ in range(30)]
    assert all(len(values) == 1 for values in drawn)
    assert {values[0] for values in drawn} == {0, 1, 2, 3}


def test_second_derivatives_reach_the_weights():
    """A gradient penalty differentiates through the discriminator twice."""
    discriminator = discriminator64(decoders=False)
    x = images(64).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert discriminator.stem[0].weight_orig.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ('network', 'arguments', 'message'),
    [
        (FastGANGenerator, dict(out_size=200), r'out_size must be one of \(64.*got 200'),
        (FastGANGenerator, dict(base_channels=0), 'base_channels must be a positive .* got 0'),
        (FastGANGenerator, dict(noise_size=2.5), 'noise_size must be a positive .* got 2.5'),
        (FastGANDiscriminator, dict(in_size=2048), r'in_size must be one of \(64.*got 2048'),
        (FastGANDiscriminator, dict(in_channels=-1), 'in_channels must be a positive .* got -1'),
    ],
)
def test_refused_arguments(network, arguments, message):
    with pytest.raises(ValueError, match=message):
        network(**arguments)


def test_refused_calls():
    with pytest.raises(ValueError, match='quadrant must be 0, 1, 2, 3 or None, got 4'):
        discriminator64()(images(64), decode=True, quadrant=4)
    with pytest.raises(ValueError, match='decoders=False'):
        discriminator64(decoders=False)(images(64), decode=True)
    with pytest.raises(ValueError, match='x must be images of 64² and 32²'):
        discriminator64()([images(64), images(64)])
