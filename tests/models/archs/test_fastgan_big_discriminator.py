import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANBigDiscriminator, FastGANGenerator
from mmfncontra.models.archs.fastgan_big_discriminator import ResidualBlock
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.registry import MODELS

SIZES = (64, 128, 256, 512, 1024)
# Trunk maps at base_channels=64: resolution → channels.
TRUNK = {256: 16, 128: 32, 64: 64, 32: 128, 16: 256, 8: 512}


def discriminator64(**kwargs):
    return FastGANBigDiscriminator(in_size=64, base_channels=8, **kwargs)


def images(size, batch=2):
    return torch.rand(batch, 3, size, size) * 2 - 1


@pytest.mark.parametrize('size', SIZES)
def test_every_size_runs_and_trains(size):
    generator = FastGANGenerator(size, base_channels=4)
    discriminator = FastGANBigDiscriminator(size, base_channels=8)
    fakes = generator(torch.randn(2, generator.noise_size))
    logits, reconstructions, targets = discriminator(fakes, decode=True)
    d = min(128, size)
    assert logits.shape == (2, 1)
    assert [tuple(x.shape) for x in reconstructions + targets] == [(2, 3, d, d)] * 4
    assert not any(x.requires_grad for x in targets)
    (logits.mean() + sum(x.square().mean() for x in reconstructions)).backward()
    for network in (generator.to_big, discriminator):
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize('size', SIZES)
def test_tapped_maps_have_the_trunks_shapes_and_survive_the_forward(size):
    discriminator = FastGANBigDiscriminator(in_size=size, base_channels=16)
    kept, copies = [], []
    for name in discriminator.feature_taps:
        discriminator.get_submodule(name).register_forward_hook(
            lambda module, args, output: kept.append(output) or copies.append(output.clone())
        )
    discriminator(images(size), decode=True)
    expected = [(2, c // 4, r, r) for r, c in TRUNK.items() if r <= size]
    assert [tuple(x.shape) for x in kept] == expected
    assert all(torch.equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_layout_at_1024():
    discriminator = FastGANBigDiscriminator(base_channels=64, decoders=False)
    convolutions = {
        name: (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0])
        for name, m in discriminator.named_modules()
        if isinstance(m, nn.Conv2d) and 'excite' not in name
    }
    expected = {'stem.0': (3, 8, 4, 2, 1)}
    blocks = {'stem.1': (8, 16), 'last': (512, 512)}
    blocks |= {f'down_{r}': (c // 2, c) for r, c in TRUNK.items() if r < 256}
    for name, (i, o) in blocks.items():
        expected |= {
            f'{name}.conv_1': (i, o, 3, 1, 1),
            f'{name}.conv_2': (o, o, 3, 1, 1),
            f'{name}.skip': (i, o, 1, 1, 0),
        }
    assert convolutions == expected
    for name in [*convolutions, 'logit']:
        layer = discriminator.get_submodule(name)
        assert hasattr(layer, 'weight_orig') and not layer.bias.any()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules())
    assert discriminator.logit.in_features == 512
    assert [n for n, _ in discriminator.named_children() if 'excite' in n] == [
        'excite_32',
        'excite_16',
        'excite_8',
    ]


def test_stem_by_size():
    for size, kernel in {512: 4, 256: 3, 64: 3}.items():
        stem = FastGANBigDiscriminator(size, base_channels=16, decoders=False).stem
        assert (stem.kernel_size[0], stem.stride[0]) == (kernel, kernel - 2)
        assert stem.out_channels == (16 if size == 64 else 4)


def test_norm_slots_are_the_identities_of_the_down_blocks():
    discriminator = FastGANBigDiscriminator(1024, base_channels=16, decoders=False)
    names = [
        f'down_{r}.{norm}'
        for r in (128, 64, 32, 16, 8)
        for norm in ('norm_1', 'norm_2', 'norm_skip')
    ]
    assert list(discriminator.norm_slots) == names
    channels = {}
    for name in names:
        slot = discriminator.get_submodule(name)
        assert type(slot) is nn.Identity
        slot.register_forward_hook(
            lambda module, args, output, name=name: channels.update({name: output.shape[1]})
        )
    discriminator(images(64))
    assert channels == discriminator.norm_slots


@pytest.mark.parametrize('downsample', [True, False])
def test_block_by_its_formula(downsample):
    block = ResidualBlock(3, 5, downsample)
    x = torch.randn(2, 3, 8, 8)
    block(x)  # one power iteration
    block.eval()

    def activated(x):
        return torch.where(x > 0, x, 0.2 * x)

    def pooled(x):
        return x.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5)) if downsample else x

    main = block.conv_2(activated(block.conv_1(activated(x))))
    kept = x.clone()
    torch.testing.assert_close(block(x), pooled(main) + pooled(block.skip(x)))
    assert torch.equal(x, kept)


def test_logit_is_linear_in_the_sum_over_space():
    discriminator = discriminator64(decoders=False).eval()
    found = []
    discriminator.last.register_forward_hook(lambda module, args, output: found.append(output))
    logits = discriminator(images(64))
    wanted = found[0].flatten(2).sum(2) @ discriminator.logit.weight[0]
    torch.testing.assert_close(logits[:, 0], wanted)


def test_tensor_is_resized_and_the_small_image_not_looked_at():
    discriminator = discriminator64().eval()
    x = images(96)
    resized = nn.functional.interpolate(x, size=64)
    torch.testing.assert_close(discriminator(x), discriminator([resized, None]))


@pytest.mark.parametrize('quadrant', range(4))
def test_fixed_quadrant_targets(quadrant):
    x = images(64)
    _, _, (whole, part) = discriminator64()(x, decode=True, quadrant=quadrant)
    top, left = 32 * (quadrant // 2), 32 * (quadrant % 2)
    assert torch.equal(whole, x)
    cropped = x[:, :, top : top + 32, left : left + 32]
    assert torch.equal(part, cropped.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_second_derivatives_reach_the_weights():
    discriminator = discriminator64(decoders=False)
    x = images(64).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert discriminator.stem.weight_orig.grad.abs().sum() > 0


def test_contrastive_head_taps_the_last_map():
    head = dict(type='WaveletContrastiveHead')
    wrapped = ContrastiveDiscriminator(discriminator64(decoders=False), head)
    logits, embedding, prototypes = wrapped(images(64), embed=True, prototypes=True)
    assert logits.shape == (2, 1)
    assert embedding.shape[0] == 2
    assert [p.shape[-1] for p in prototypes] == [32, 16, 8]


def test_registered():
    built = MODELS.build(dict(type='FastGANBigDiscriminator', in_size=64, base_channels=4))
    assert isinstance(built, FastGANBigDiscriminator)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(in_size=2048), r'in_size must be one of \(64.*got 2048'),
        (dict(base_channels=0), 'base_channels must be a positive .* got 0'),
        (dict(in_channels=-1), 'in_channels must be a positive .* got -1'),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FastGANBigDiscriminator(**arguments)


def test_refused_calls():
    with pytest.raises(ValueError, match='quadrant must be 0, 1, 2, 3 or None, got 4'):
        discriminator64()(images(64), decode=True, quadrant=4)
    with pytest.raises(ValueError, match='decoders=False'):
        discriminator64(decoders=False)(images(64), decode=True)
    with pytest.raises(ValueError, match=r'x\[0\] must be images of 64² pixels, got \(32, 32\)'):
        discriminator64()([images(32), images(32)])


def test_trains_all_of_a_generator_without_small_image():
    generator = FastGANGenerator(64, base_channels=4, small=False)
    images = generator(torch.randn(2, 256))
    assert [tuple(image.shape) for image in images] == [(2, 3, 64, 64)]
    FastGANBigDiscriminator(64, base_channels=4)(images).sum().backward()
    assert all(p.grad is not None for p in generator.parameters())
