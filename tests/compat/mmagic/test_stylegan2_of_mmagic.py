import copy

import pytest
import torch
from mmengine import MessageHub

pytestmark = pytest.mark.slow
SIZE = 16
NETWORK = dict(out_size=SIZE, style_channels=16, num_mlps=2)


@pytest.fixture
def generator(build):
    return build('mmagic.StyleGAN2Generator', **NETWORK).eval()


def fixed(generator, noise, **options):
    """Images with the generator's stored noise maps."""
    return generator(noise, randomize_noise=False, **options)


def test_shapes_and_gradients(build, generator):
    discriminator = build('mmagic.StyleGAN2Discriminator', in_size=SIZE)
    images = generator(torch.randn(4, 16))
    assert images.shape == (4, 3, SIZE, SIZE) and images.dtype == torch.float32
    logits = discriminator(images)
    assert logits.shape == (4, 1)
    logits.sum().backward()
    for network in (generator, discriminator):
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_state_dict_is_the_network(build, generator, tmp_path):
    noise = torch.randn(2, 16)
    torch.save(generator.state_dict(), tmp_path / 'g.pth')
    other = build('mmagic.StyleGAN2Generator', **NETWORK).eval()
    other.load_state_dict(torch.load(tmp_path / 'g.pth', weights_only=True))
    with torch.no_grad():
        assert fixed(other, noise).equal(fixed(generator, noise))
        assert fixed(copy.deepcopy(generator), noise).equal(fixed(generator, noise))


@torch.no_grad()
def test_styles_are_mixed_at_a_layer(generator):
    noises = list(torch.randn(2, 3, 16))
    ones, others = (generator.style_mapping(noise) for noise in noises)
    latents = generator(noises, inject_index=2, return_latent_only=True)
    expected = torch.cat([ones[:, None].expand(-1, 2, -1), others[:, None].expand(-1, 4, -1)], 1)
    torch.testing.assert_close(latents, expected)
    images = fixed(generator, noises, inject_index=2)
    assert not images.equal(fixed(generator, noises[0]))


@torch.no_grad()
def test_truncation_draws_styles_to_the_mean(generator):
    noise = torch.randn(3, 16)
    mean = generator.get_mean_latent(1024)
    assert mean.shape == (1, 16)
    plain, half = (
        generator(noise, truncation=psi, truncation_latent=mean, return_latent_only=True)
        for psi in (1, 0.5)
    )
    torch.testing.assert_close(half, mean + 0.5 * (plain - mean))
    same = fixed(generator, noise, truncation=0, truncation_latent=mean)
    torch.testing.assert_close(same, same[:1].expand_as(same))


ADA = dict(
    type='ADAAug',
    aug_pipeline=dict(
        **dict.fromkeys(('xflip', 'rotate90', 'xint', 'scale', 'rotate', 'aniso', 'xfrac'), 1),
        **dict.fromkeys(('brightness', 'contrast', 'lumaflip', 'hue', 'saturation'), 1),
    ),
    update_interval=1,
    augment_initial_p=0.8,
    ada_kimg=1,
)


def test_ada_augments_and_adapts(build):
    discriminator = build('ADAStyleGAN2Discriminator', in_size=SIZE, data_aug=ADA)
    images = torch.rand(4, 3, SIZE, SIZE, requires_grad=True)
    augmented = discriminator.ada_aug.aug_pipeline(images)
    assert augmented.shape == images.shape and not augmented.equal(images)
    discriminator(images).sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().sum() > 0
    discriminator.ada_aug.log_buffer.copy_(torch.tensor([4.0, 4.0]))
    discriminator.ada_aug.update(num_batches=4)
    torch.testing.assert_close(discriminator.ada_aug.aug_pipeline.p.item(), 0.804)


@pytest.mark.parametrize('ada', [False, True])
def test_a_step(build, samples, optimise, check_step, ada):
    if ada:  # mmagic's own augmentation cannot be differentiated twice, as R1 needs
        discriminator = dict(type='ADAStyleGAN2Discriminator', in_size=SIZE, data_aug=ADA)
    else:
        discriminator = dict(type='mmagic.StyleGAN2Discriminator', in_size=SIZE)
    model = build(
        'StyleGAN2',
        generator=dict(type='mmagic.StyleGAN2Generator', **NETWORK),
        discriminator=discriminator,
        data_preprocessor=dict(type='mmagic.DataPreprocessor'),
        ema_config=dict(type='ExponentialMovingAverage', interval=1, momentum=0.5),
        loss_config=dict(r1_interval=16, g_reg_interval=1),
    )
    hub = MessageHub.get_instance('a step of StyleGAN2')
    hub.update_info('iter', 1 if ada else 0)
    images = torch.randint(0, 256, (4, 3, SIZE, SIZE), dtype=torch.uint8)
    losses = {'loss_disc_fake', 'loss_disc_real', 'loss_gen', 'loss_path_regular'}
    losses |= {'augment'} if ada else {'loss_r1_gp'}
    data = dict(inputs=dict(num_batches=4), data_samples=samples(images))
    check_step(model, data, optimise(model), ('generator', 'discriminator'), losses)
    assert model.mean_path_length > 0
    drawn = model(dict(num_batches=2, sample_model='ema'))
    assert len(drawn) == 2 and drawn[0].fake_img.shape == (3, SIZE, SIZE)
