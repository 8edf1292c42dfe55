import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import nn

from mmfncontra.compat.mmagic_fixes import fix_mmagic_networks
from mmfncontra.compat.prepare_mmagic import prepare_mmagic

SIZE = 32
LABELS = torch.tensor([0, 1, 1, 0])


@pytest.fixture(autouse=True)
def _no_scope():
    """mmagic's networks name their parts without a scope; other tests leave theirs behind."""
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='module')
def editors():
    prepare_mmagic()
    from mmagic.models.editors import biggan, dcgan, sagan, stylegan2
    from mmagic.models.editors.pggan import pggan_modules

    fix_mmagic_networks()
    return SimpleNamespace(
        biggan=biggan, dcgan=dcgan, pggan_modules=pggan_modules, sagan=sagan, stylegan2=stylegan2
    )


class Whole(BaseModel):
    """A model with a network as its part, as a runner initialises it."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, inputs):
        return inputs


def noise(size):
    return torch.randn(4, size)


NETWORKS = {
    'dcgan generator': lambda e: (
        e.dcgan.DCGANGenerator(output_scale=SIZE, base_channels=16),
        lambda network: network(noise(100)),
    ),
    'dcgan discriminator': lambda e: (
        e.dcgan.DCGANDiscriminator(SIZE, output_scale=4, out_channels=1, base_channels=8),
        lambda network: network(torch.rand(4, 3, SIZE, SIZE)),
    ),
    'sngan generator': lambda e: (
        e.sagan.SNGANGenerator(SIZE, use_cbn=False, base_channels=8),
        lambda network: network(noise(128)),
    ),
    'conditional sngan generator': lambda e: (
        e.sagan.SNGANGenerator(SIZE, num_classes=2, base_channels=8),
        lambda network: network(noise(128), label=LABELS),
    ),
    'projection discriminator': lambda e: (
        e.sagan.ProjDiscriminator(SIZE, num_classes=2, base_channels=8),
        lambda network: network(torch.rand(4, 3, SIZE, SIZE), LABELS),
    ),
    'sngan discriminator': lambda e: (
        e.sagan.ProjDiscriminator(SIZE, base_channels=8),
        lambda network: network(torch.rand(4, 3, SIZE, SIZE)),
    ),
    'biggan generator': lambda e: (
        e.biggan.BigGANGenerator(SIZE, noise_size=64, num_classes=2, base_channels=8),
        lambda network: network(noise(64), label=LABELS),
    ),
    'unconditional biggan generator': lambda e: (
        e.biggan.BigGANGenerator(
            SIZE,
            noise_size=64,
            base_channels=8,
            split_noise=False,
            with_shared_embedding=False,
        ),
        lambda network: network(noise(64)),
    ),
    'biggan discriminator': lambda e: (
        e.biggan.BigGANDiscriminator(SIZE, num_classes=2, base_channels=8),
        lambda network: network(torch.rand(4, 3, SIZE, SIZE), LABELS),
    ),
    'stylegan2 generator': lambda e: (
        e.stylegan2.StyleGAN2Generator(8, 16, num_mlps=2),
        lambda network: network(noise(16)),
    ),
    'stylegan2 discriminator': lambda e: (
        e.stylegan2.StyleGAN2Discriminator(8),
        lambda network: network(torch.rand(4, 3, 8, 8)),
    ),
}


@pytest.mark.parametrize('name', NETWORKS)
def test_networks_are_initialised_and_train(editors, name):
    network, call = NETWORKS[name](editors)
    network.init_weights()
    Whole(network).init_weights()
    copy.deepcopy(network)  # the moving average

    outputs = []
    for _ in range(2):
        torch.manual_seed(1)
        again = copy.deepcopy(network)
        output = call(again)
        output.square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in again.parameters())
        outputs.append(output)
    assert outputs[0].equal(outputs[1])


def test_dcgan_draws_as_published(editors):
    generator, _ = NETWORKS['dcgan generator'](editors)
    expected = copy.deepcopy(generator)
    torch.manual_seed(0)
    for module in expected.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    torch.manual_seed(0)
    generator.init_weights()
    for name, value in expected.state_dict().items():
        assert value.equal(generator.state_dict()[name]), name


def test_dcgan_reads_pretrained_weights(editors, tmp_path):
    make = editors.dcgan.DCGANDiscriminator
    options = dict(input_scale=SIZE, output_scale=4, out_channels=1, base_channels=8)
    network = make(**options)
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'a.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth'))
    other = make(**options, init_cfg=init_cfg)
    Whole(other).init_weights()
    for name, value in network.state_dict().items():
        assert value.equal(other.state_dict()[name]), name


@pytest.mark.parametrize('name', ['stylegan2 generator', 'stylegan2 discriminator'])
def test_stylegan2_keeps_its_weights_when_a_training_initialises_it(editors, name):
    network, _ = NETWORKS[name](editors)
    before = copy.deepcopy(network.state_dict())
    Whole(network).init_weights()
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())


def one_step(editors, **options):
    """Images, logits, and the gradients of a step with R1 and of path lengths."""
    torch.manual_seed(0)
    generator = editors.stylegan2.StyleGAN2Generator(8, 16, num_mlps=2, **options)
    discriminator = editors.stylegan2.StyleGAN2Discriminator(8, **options)
    torch.manual_seed(1)
    fake = generator(noise(16)[:2], return_latents=True)
    images, latents = fake['fake_img'], fake['latent']
    (by_latents,) = torch.autograd.grad(images.sum(), latents, create_graph=True)
    (by_latents.square().sum() - discriminator(images).sum()).backward()
    real = torch.rand(2, 3, 8, 8, requires_grad=True)
    (by_real,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    by_real.square().sum().backward()
    return [images, by_real, *(p.grad for n in (generator, discriminator) for p in n.parameters())]


def test_half_precision_is_full_on_the_cpu(editors):
    expected = one_step(editors)
    for options in (dict(num_fp16_scales=2), dict(fp16_enabled=True)):
        for value, other in zip(one_step(editors, **options), expected, strict=True):
            assert value.dtype == torch.float32 and value.equal(other)


def test_the_setting_itself_stays(editors):
    generator = editors.stylegan2.StyleGAN2Generator(16, 16, num_mlps=1, num_fp16_scales=1)
    assert [block.fp16_enabled for block in generator.convs] == [False] * 4
    elsewhere = copy.deepcopy(generator).to('meta')
    assert [block.fp16_enabled for block in elsewhere.convs] == [False] * 2 + [True] * 2
    assert [block.fp16_enabled for block in elsewhere.to_rgbs] == [False, True]
    assert elsewhere.convs[3].conv.fp16_enabled and not elsewhere.fp16_enabled
    discriminator = editors.stylegan2.StyleGAN2Discriminator(16, num_fp16_scales=1)
    assert not discriminator.convs[1].fp16_enabled
    discriminator.to('meta')
    assert [block.fp16_enabled for block in discriminator.convs] == [True, True, False]


@pytest.mark.parametrize('mode', ['fan_in', 'fan_out'])
@pytest.mark.parametrize('shape', [(6, 4, 3, 3), (2, 6, 4, 3, 3), (5, 7)])
def test_equalised_weights_are_mmagics(editors, shape, mode):
    module = nn.Module()
    module.weight_orig = nn.Parameter(torch.randn(shape))
    hook = editors.pggan_modules.EqualizedLR('weight', gain=1.3, mode=mode, lr_mul=0.01)
    fan = editors.pggan_modules._calculate_correct_fan(
        module.weight_orig[0] if len(shape) == 5 else module.weight_orig, mode
    )
    expected = module.weight_orig * 1.3 * fan**-0.5 * 0.01
    torch.testing.assert_close(hook.compute_weight(module), expected)


def test_pixel_norm_is_the_root_mean_square(editors):
    x = torch.randn(3, 5, 4, 4)
    expected = x / (x.square().mean(1, keepdim=True).sqrt() + 1e-6)
    torch.testing.assert_close(editors.pggan_modules.pixel_norm(x), expected)
    torch.testing.assert_close(editors.pggan_modules.PixelNorm()(x), expected)
