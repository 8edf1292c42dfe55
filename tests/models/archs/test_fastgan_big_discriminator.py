import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANBigDiscriminator
from mmfncontra.models.archs.fastgan_big_discriminator import ResidualBlock
from mmfncontra.models.heads import ContrastiveDiscriminator

# Trunk maps at base_channels=64: resolution → channels.
TRUNK = {256: 16, 128: 32, 64: 64, 32: 128, 16: 256, 8: 512}


def discriminator64():
    return FastGANBigDiscriminator(in_size=64, base_channels=8, decoders=False)


def images():
    return torch.rand(2, 3, 64, 64) * 2 - 1


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
    discriminator(images())
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
    discriminator = discriminator64().eval()
    found = []
    discriminator.last.register_forward_hook(lambda module, args, output: found.append(output))
    logits = discriminator(images())
    wanted = found[0].flatten(2).sum(2) @ discriminator.logit.weight[0]
    torch.testing.assert_close(logits[:, 0], wanted)


def test_contrastive_head_taps_the_last_map():
    head = dict(type='WaveletContrastiveHead')
    wrapped = ContrastiveDiscriminator(discriminator64(), head)
    logits, embedding, prototypes = wrapped(images(), embed=True, prototypes=True)
    assert logits.shape == (2, 1)
    assert embedding.shape[0] == 2
    assert [p.shape[-1] for p in prototypes] == [32, 16, 8]
