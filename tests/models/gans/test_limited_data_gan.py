import pytest
import torch
from optimisers import optimisers
from torch import nn

from mmfncontra.models.gans import LimitedDataGAN
from mmfncontra.registry import MODELS


def config(**changes):
    return {
        **dict(
            generator=dict(type='mmfncontra.FastGANGenerator', out_size=64, base_channels=4),
            discriminator=dict(type='mmfncontra.FastGANDiscriminator', in_size=64, base_channels=4),
            disc_auxiliary_losses=dict(rec=dict(type='mmfncontra.WaveletL1Loss', levels=2)),
            augment=dict(type='mmfncontra.DiffAugment'),
            ema_config=dict(momentum=0.1),
        ),
        **changes,
    }


def batch(count=4):
    return dict(
        inputs=[torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in range(count)]
    )


def test_baseline_and_fncontra_steps():
    baseline = LimitedDataGAN(**config()).train()
    logs = baseline.train_step(batch(), optimisers(baseline))
    assert set(logs) == {
        *('loss_disc', 'loss_real', 'loss_fake', 'loss_rec', 'loss_gen', 'loss_adv', 'r_t'),
        'skipped',
    }
    contrasted = LimitedDataGAN(**config(contrast=dict(type='mmfncontra.FNContra'))).train()
    logs = contrasted.train_step(batch(), optimisers(contrasted))
    assert {'loss_dwcl', 'loss_gwcl'} <= set(logs)
    assert not any(value.requires_grad for value in logs.values())
    parts = sum(logs[f'loss_{name}'] for name in ('real', 'fake', 'rec', 'dwcl'))
    torch.testing.assert_close(logs['loss_disc'], parts)
    torch.testing.assert_close(logs['loss_gen'], logs['loss_adv'] + logs['loss_gwcl'])


def test_lazy_reconstruction():
    """Between its steps decoders get a gradient of zeros, and the others the same as without it."""

    def gradients(**rec):
        torch.manual_seed(0)
        losses = dict(rec=dict(type='mmfncontra.WaveletL1Loss', levels=2, **rec))
        hinge = dict(type='mmfncontra.HingeGANLoss', margin=(1.0, 1.0))  # draws nothing
        parts = config(augment=None, adversarial_loss=hinge, disc_auxiliary_losses=losses)
        model = LimitedDataGAN(**parts).train()
        model._steps = 1
        fake = [torch.rand(4, 3, size, size) for size in (64, 32)]
        losses = model.disc_losses(torch.rand(4, 3, 64, 64), fake).losses
        sum(losses.values()).backward()
        return losses, {n: p.grad for n, p in model.discriminator.named_parameters()}

    losses, found = gradients(interval=2)
    assert set(losses) == {'loss_real', 'loss_fake'}
    weightless, expected = gradients(loss_weight=0.0)
    assert losses['loss_real'].item() == weightless['loss_real'].item()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], msg=name)
        assert gradient.any() != ('decoder_' in name), name
    assert 'loss_rec' in gradients(interval=1)[0]


def test_step_equals_a_plain_loop():
    """Discriminator, then generator through the updated discriminator, on the same fakes."""
    cfg = config(augment=None, disc_auxiliary_losses=None)
    cfg['discriminator']['decoders'] = False
    cfg['adversarial_loss'] = dict(type='mmfncontra.HingeGANLoss', margin=(1.0, 1.0))
    torch.manual_seed(1)
    model = LimitedDataGAN(**cfg).train()
    torch.manual_seed(1)
    other = LimitedDataGAN(**cfg).train()
    gen, disc = other.generator, other.discriminator
    data = batch()
    torch.manual_seed(2)
    model.train_step(data, optimisers(model, torch.optim.SGD, lr=0.1))

    gen_optim, disc_optim = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (gen, disc))
    start = [p.detach().clone() for p in gen.parameters()]
    torch.manual_seed(2)
    real = (torch.stack(data['inputs']).float() - 127.5) / 127.5
    fake = gen(torch.randn(4, 256))
    loss = (1 - disc(real)).relu().mean() + (1 + disc([x.detach() for x in fake])).relu().mean()
    loss.backward()
    disc_optim.step()
    for p in disc.parameters():
        p.requires_grad_(False)
    (-disc(fake).mean()).backward()
    gen_optim.step()
    for ours, plain in ((model.generator, gen), (model.discriminator, disc)):
        for (name, a), b in zip(
            ours.state_dict().items(), plain.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7, msg=name)
    averages = model.generator_ema.module.parameters()
    for before, now, average in zip(start, gen.parameters(), averages, strict=True):
        torch.testing.assert_close(average, 0.9 * before + 0.1 * now)


def test_average_carries_batch_statistics():
    model = LimitedDataGAN(**config()).train()
    optim = optimisers(model)
    for _ in range(2):
        model.train_step(batch(), optim)
    moved = False
    for (name, a), b in zip(
        model.generator_ema.module.named_buffers(), model.generator.buffers(), strict=True
    ):
        assert torch.equal(a, b), name
        moved |= name.endswith('running_mean') and a.abs().sum() > 0
    assert moved


def test_discriminator_is_trainable_again_after_the_step():
    model = LimitedDataGAN(**config(contrast=dict(type='mmfncontra.FNContra'))).train()
    model.train_step(batch(), optimisers(model))
    assert all(p.requires_grad for p in model.discriminator.parameters())
    assert not any(p.requires_grad for p in model.generator_ema.parameters())


@pytest.mark.parametrize(
    'contrast', [dict(dwcl=None), dict(gwcl=None), dict(difficulties=['hard'])]
)
def test_every_parameter_gets_a_gradient(contrast):
    """A distributed wrapper waits for each of them."""
    model = LimitedDataGAN(**config(contrast=dict(type='mmfncontra.FNContra', **contrast))).train()
    optim = optimisers(model, lr=0.0)
    model.train_step(batch(), optim)
    for name in ('generator', 'discriminator'):
        for key, p in getattr(model, name).named_parameters():
            state = optim[name].optimizer.state
            assert p in state, f'{name}.{key} was never updated'


def test_all_random_draws_of_a_step_come_from_torch():
    cfg = config(contrast=dict(type='mmfncontra.FNContra'))
    torch.manual_seed(3)
    model = LimitedDataGAN(**cfg).train()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    data, logs = batch(), []
    for _ in range(2):
        model.load_state_dict(state)
        torch.manual_seed(4)
        logs.append(model.train_step(data, optimisers(model)))
    assert all(torch.equal(logs[0][k], logs[1][k]) for k in logs[0])


def test_forward_samples_like_other_mmagic_gans():
    model = LimitedDataGAN(**config()).eval()
    samples = model(dict(num_batches=3))
    assert len(samples) == 3 and samples[0].fake_img.shape == (3, 64, 64)
    assert samples[0].fake_img.min() >= 0 and samples[0].fake_img.max() <= 255
    noise = torch.randn(2, 256)
    ours = model(dict(noise=noise, sample_model='orig'))[0].fake_img
    expected = ((model.generator(noise)[0][0] + 1) * 127.5).clamp(0, 255)
    torch.testing.assert_close(ours, expected)


def test_single_output_networks_train_too():
    class Generator(nn.Sequential):
        noise_size = 8

        def __init__(self):
            super().__init__(nn.Linear(8, 3 * 64 * 64), nn.Unflatten(1, (3, 64, 64)), nn.Tanh())

    disc = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.LeakyReLU(), nn.Flatten(), nn.Linear(1024, 1))
    model = LimitedDataGAN(Generator(), disc, augment=dict(type='mmfncontra.DiffAugment')).train()
    assert set(model.train_step(batch(), optimisers(model))) >= {'loss_disc', 'loss_gen'}
    assert not model.with_ema_gen


def test_refuses_losses_without_their_tensors():
    cfg = config()
    cfg['discriminator']['decoders'] = False
    with pytest.raises(ValueError, match='has no decoders'):
        LimitedDataGAN(**cfg)
    with pytest.raises(ValueError, match=r"gen_auxiliary_losses.rec .* takes \['recon"):
        LimitedDataGAN(
            **config(gen_auxiliary_losses=dict(rec=dict(type='mmfncontra.WaveletL1Loss')))
        )


def test_is_registered():
    assert MODELS.get('LimitedDataGAN') is LimitedDataGAN
