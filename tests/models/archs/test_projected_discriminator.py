"""Projected GAN's discriminator, against the counts of a released run and a plain forward."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmfncontra.models.archs import FastGANLiteGenerator, ProjectedDiscriminator
from mmfncontra.models.layers import use_lean_spectral_norm
from mmfncontra.models.pretrained import TimmBackbone
from mmfncontra.models.taps import can_group, forward_each
from mmfncontra.registry import MODELS

pytest.importorskip('timm', reason='the extra pretrained is not installed')
NARROW = dict(in_size=64, mix_channels=8, feature_size=64)


def count(tensors):
    return sum(tensor.numel() for tensor in tensors)


def fixed(discriminator, kind):
    return [b for n, b in discriminator.named_buffers() if n.startswith(f'{kind}_')]


@pytest.fixture(scope='module')
def published():
    torch.manual_seed(0)
    return ProjectedDiscriminator()


@pytest.fixture
def narrow():
    torch.manual_seed(0)
    return ProjectedDiscriminator(**NARROW)


def images(num, size, seed=0):
    return torch.randn(num, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_counts_are_those_of_the_release(published):
    heads = [count(head.parameters()) for head in published.heads]
    assert heads == [2_829_120, 2_763_392, 2_631_936, 2_106_880]
    assert count(fixed(published, 'channels')) == 200_128
    assert count(fixed(published, 'mix')) == 176_640
    to_last_map = [
        p
        for name, p in published.backbone.network.named_parameters()
        if not name.startswith(('conv_head', 'bn2', 'classifier'))
    ]
    assert count(to_last_map) == 2_958_848
    assert sum(heads) + 200_128 + 176_640 + 2_958_848 == 13_666_944
    # What is trained is the heads alone.
    assert count(published.parameters()) == sum(heads) == 10_331_328


def test_counts_with_separable_heads():
    heads = ProjectedDiscriminator(separable=True).heads
    assert count(heads.parameters()) == 696_512


@pytest.mark.parametrize(
    ('full', 'counts'),
    [
        (False, {256: 79_354_307, 512: 79_522_531, 1024: 79_531_379}),
        (True, {256: 105_684_175, 512: 105_870_961, 1024: 105_884_483}),
    ],
)
def test_counts_of_the_generator(full, counts):
    with torch.device('meta'):
        for size, wanted in counts.items():
            assert count(FastGANLiteGenerator(out_size=size, full=full).parameters()) == wanted
    if full:  # generator and discriminator, as a log of the released code has them
        assert counts[256] + 13_666_944 == 119_351_119


@pytest.mark.parametrize(
    ('size', 'sides', 'logits'),
    [(64, (112, 56, 28, 14), 64), (256, (128, 64, 32, 16), 100), (512, (256, 128, 64, 32), 676)],
)
def test_shapes(size, sides, logits):
    discriminator = ProjectedDiscriminator(in_size=size, mix_channels=4).eval()
    with torch.no_grad():
        maps = discriminator.project(images(1, size))
        assert tuple(m.shape[-1] for m in maps) == sides
        assert [m.shape[1] for m in maps] == [4, 4, 8, 16]
        assert discriminator(images(1, size)).shape == (1, logits)


@pytest.mark.parametrize('kernel', [1, 3])
def test_mixing_is_the_published_one(kernel):
    torch.manual_seed(1)
    discriminator = ProjectedDiscriminator(**{**NARROW, 'csm_kernel': kernel})
    x = images(2, 64)
    with torch.no_grad():
        features = discriminator.backbone(x)
        below, wanted = None, []
        for scale in (3, 2, 1, 0):
            channels = discriminator.get_submodule(f'channels_{scale}')
            mixed = F.conv2d(features[scale], channels.weight, channels.bias)
            mixed = mixed if below is None else mixed + below
            big = F.interpolate(mixed, scale_factor=2, mode='bilinear', align_corners=True)
            conv = discriminator.get_submodule(f'mix_{scale}').conv
            below = F.conv2d(big, conv.weight, conv.bias, padding=kernel // 2)
            wanted.insert(0, below)
        for found, each in zip(discriminator.project(x), wanted, strict=True):
            torch.testing.assert_close(found, each, rtol=1e-4, atol=1e-4 * each.abs().max())


def test_small_images_are_enlarged_and_large_ones_are_not():
    class Seen(nn.Module):
        channels = (2, 2, 2, 2)

        def forward(self, x):
            self.side = x.shape[-1]
            return [x.new_zeros(len(x), 2, self.side // s, self.side // s) for s in (4, 8, 16, 32)]

    MODELS.register_module(name='Seen', module=Seen, force=True)
    for size, side in ((64, 224), (192, 224), (256, 256), (512, 512)):
        discriminator = ProjectedDiscriminator(size, dict(type='Seen'), mix_channels=4).eval()
        discriminator(torch.zeros(1, 3, size, size))
        assert discriminator.backbone.side == side


def test_the_gradient_reaches_the_image_and_no_frozen_weight(narrow):
    before = {k: v.clone() for k, v in narrow.backbone.network.state_dict().items()}
    projections = [b.clone() for b in (*fixed(narrow, 'channels'), *fixed(narrow, 'mix'))]
    x = images(4, 64).requires_grad_()
    optimiser = torch.optim.Adam(narrow.train().parameters(), lr=0.1)
    narrow(x).sum().backward()
    optimiser.step()
    assert x.grad.abs().sum() > 0
    assert all(p.grad is not None for p in narrow.parameters())
    for key, value in narrow.backbone.network.state_dict().items():
        assert torch.equal(value, before[key])
    after = (*fixed(narrow, 'channels'), *fixed(narrow, 'mix'))
    assert all(torch.equal(a, b) for a, b in zip(projections, after, strict=True))


def test_projections_are_of_the_seed_and_in_the_checkpoint(narrow):
    torch.manual_seed(0)
    same = ProjectedDiscriminator(**NARROW)
    other = ProjectedDiscriminator(**NARROW)
    assert all(map(torch.equal, fixed(narrow, 'mix'), fixed(same, 'mix')))
    assert not any(map(torch.equal, fixed(narrow, 'mix'), fixed(other, 'mix')))
    other.load_state_dict(narrow.state_dict())
    x = images(2, 64)
    with torch.no_grad():
        assert torch.equal(other.eval()(x), narrow.eval()(x))
    assert not any('network' in key for key in narrow.state_dict())
    assert count(narrow.state_dict().values()) < 200_000  # no weights of the backbone


def test_looks_at_the_first_of_several_images(narrow):
    x = images(2, 64)
    with torch.no_grad():
        assert torch.equal(narrow.eval()([x, torch.zeros(2, 3, 32, 32)]), narrow(x))


def test_augments_inside_with_draws_of_its_own():
    torch.manual_seed(0)
    augment = dict(type='mmfncontra.DiffAugment', policy='color')
    discriminator = ProjectedDiscriminator(**NARROW, augment=augment).eval()
    x = images(2, 64)
    with torch.no_grad():
        one, other = discriminator(x), discriminator(x)
    assert not torch.allclose(one, other)


def test_batches_pass_together_as_one_after_the_other(narrow):
    use_lean_spectral_norm(narrow)

    class Wrapped(nn.Module):
        def __init__(self, backbone):
            super().__init__()
            self.backbone = backbone

        def forward(self, x):
            return self.backbone(x), self.backbone.project(x)[0].flatten(1), None

    wrapped = Wrapped(narrow).train()
    assert can_group(wrapped)
    alone = copy.deepcopy(wrapped)
    batches = [images(3, 64, seed) for seed in range(3)]
    together = forward_each(wrapped, batches)
    with torch.no_grad():
        for batch, (_, embedding, _) in zip(batches, together, strict=True):
            torch.testing.assert_close(alone(batch)[1], embedding, rtol=1e-4, atol=1e-5)
    for found, wanted in zip(wrapped.buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_another_backbone_by_its_name_and_file(tmp_path):
    timm = pytest.importorskip('timm')
    torch.manual_seed(0)
    torch.save(timm.create_model('resnet18').state_dict(), tmp_path / 'resnet18.pth')
    backbone = dict(
        type='mmfncontra.TimmBackbone', name='resnet18', weights=str(tmp_path / 'resnet18.pth')
    )
    discriminator = ProjectedDiscriminator(**NARROW, backbone=backbone)
    assert isinstance(discriminator.backbone, TimmBackbone)
    assert discriminator(images(2, 64)).shape == (2, 4)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(in_size=16), 'in_size must be an integer of 32 or more, got 16'),
        (dict(mix_channels=2), 'mix_channels must be an integer of 4 or more, got 2'),
        (dict(csm_kernel=5), 'csm_kernel must be 1 or 3, got 5'),
        (dict(csm_kernel=True), 'csm_kernel must be 1 or 3, got True'),
        (dict(separable='no'), "separable must be True or False, got 'no'"),
        (
            dict(backbone=dict(type='mmfncontra.DiffAugment')),
            'backbone must be a frozen network with maps at four strides',
        ),
        (dict(feature_size=100), 'feature_size must be a multiple of 32, got 100'),
        (dict(feature_size=32), 'feature_size must be an integer of 64 or more, got 32'),
        (dict(in_size=250), 'feature_size must be a multiple of 32, got 250'),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        ProjectedDiscriminator(**{**NARROW, 'feature_size': None, **arguments})


def test_refuses_images_of_another_size(narrow):
    with pytest.raises(ValueError, match=r'x must be images of 64² pixels, got \(32, 32\)'):
        narrow(images(1, 32))
