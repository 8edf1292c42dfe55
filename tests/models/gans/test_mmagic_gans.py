"""Networks of mmagic as configs of LimitedDataGAN."""

import copy
from importlib.util import find_spec

import pytest
import torch
from gan_configs import CONTRAST, DCGAN, FASTGAN, PLAIN_FASTGAN, PROJECTED, SAGAN, STYLEGAN2
from mmengine.optim import OptimWrapperDict
from optimisers import optimisers
from torch.distributed import HashStore

from mmfncontra.engine.optim.autocast_optim_wrapper import AutocastOptimWrapper
from mmfncontra.models.gans import LimitedDataGAN

pytestmark = pytest.mark.usefixtures('default_scope')
SAGAN3 = {
    name: {**cfg, 'num_classes': 3, **({'use_cbn': True} if name == 'generator' else {})}
    for name, cfg in SAGAN.items()
}
BIGGAN3 = dict(
    generator=dict(
        type='mmagic.BigGANGenerator', output_scale=64, num_classes=3, base_channels=4, shared_dim=8
    ),
    discriminator=dict(
        type='mmagic.BigGANDiscriminator', input_scale=64, num_classes=3, base_channels=4
    ),
)


def batch(size, classes=0, count=4):
    data = dict(
        inputs=[torch.randint(0, 256, (3, size, size), dtype=torch.uint8) for _ in range(count)]
    )
    if classes:
        data['labels'] = [torch.tensor(i % classes) for i in range(count)]
    return data


@pytest.mark.parametrize(
    ('cfg', 'size', 'classes'),
    [(STYLEGAN2, 8, 0), (DCGAN, 64, 0), (SAGAN, 64, 0), (SAGAN3, 64, 3), (BIGGAN3, 64, 3)],
)
def test_fncontra_trains_them(cfg, size, classes):
    """Every parameter is updated, as a distributed wrapper demands."""
    model = LimitedDataGAN(**cfg, contrast=CONTRAST, ema_config=dict(momentum=0.01)).train()
    optim = optimisers(model, lr=0.0)
    logs = model.train_step(batch(size, classes), optim)
    assert {'loss_dwcl', 'loss_gwcl', 'r_t'} <= set(logs)
    assert all(value.isfinite() for value in logs.values())
    for name in ('generator', 'discriminator'):
        for key, p in getattr(model, name).named_parameters():
            assert p in optim[name].optimizer.state, f'{name}.{key} was never updated'
    samples = model.eval()(dict(num_batches=2))
    assert samples[0].fake_img.shape == (3, size, size)


def test_weights_are_drawn_before_the_average_is_made():
    model = LimitedDataGAN(**DCGAN, ema_config=dict(momentum=0.01))
    assert model.discriminator.downsamples[0].conv.weight.std().item() == pytest.approx(0.02, 0.3)
    before = copy.deepcopy(model.state_dict())
    model.init_weights()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    for average, p in zip(
        model.generator_ema.module.parameters(), model.generator.parameters(), strict=True
    ):
        assert torch.equal(average, p)


def test_labels_reach_both_networks():
    torch.manual_seed(0)
    model = LimitedDataGAN(**SAGAN3, contrast=CONTRAST).train()
    seen = []
    network = model.discriminator.backbone
    network.register_forward_hook(
        lambda module, args, kwargs, out: seen.append(kwargs['label'].tolist()), with_kwargs=True
    )
    model.train_step(batch(64, 3), optimisers(model))
    # Real, fake, view, three negatives; then the fakes of the generator's step.
    assert seen == 7 * [[0, 1, 2, 0]]


def test_labels_are_demanded():
    model = LimitedDataGAN(**SAGAN3)
    with pytest.raises(ValueError, match='the batches have no labels: set'):
        model.train_step(batch(64), optimisers(model))
    with pytest.raises(ValueError, match=r'num_classes=0 and generator\.num_classes=3'):
        LimitedDataGAN(generator=SAGAN3['generator'], discriminator=SAGAN['discriminator'])


def test_lazy_losses_are_computed_when_due(monkeypatch):
    model = LimitedDataGAN(**STYLEGAN2).train()
    optim = optimisers(model)
    found = []
    for iteration in (0, 1, 4, 8, 12, 15, 16):
        monkeypatch.setattr(LimitedDataGAN, '_iteration', iteration)
        logs = model.train_step(batch(8), optim)
        found.append((iteration, 'loss_r1' in logs, 'loss_path' in logs))
    assert [i for i, r1, _ in found if r1] == [0, 16]
    assert [i for i, _, path in found if path] == [0, 4, 8, 12, 16]


def test_latents_are_demanded():
    with pytest.raises(
        ValueError, match=r'DCGANGenerator has none: take mmfncontra\.StyleGAN2Generator'
    ):
        LimitedDataGAN(**DCGAN, gen_auxiliary_losses=dict(path=dict(type='PathLengthPenalty')))


def test_regularisers_and_adaptive_parts_take_part():
    cfg = dict(
        generator=dict(FASTGAN['generator'], small=False),
        discriminator=dict(
            type='FastGANBigDiscriminator', in_size=64, base_channels=4, decoders=False
        ),
        augment=dict(type='ADA', ada_kimg=0.01, interval=1, initial=0.3),
        pseudo_real=dict(type='APA', kimg=0.01, interval=1),
        regularisers=dict(chain=dict(type='CHAIN', form='batch'), nice=dict(type='NICE')),
        disc_auxiliary_losses=dict(lecam=dict(type='LeCamLoss'), r1=dict(type='R1Penalty')),
        contrast=CONTRAST,
    )
    model = LimitedDataGAN(**cfg).train()
    optim = optimisers(model)
    logs = model.train_step(batch(64), optim)
    assert {
        *('loss_0mr', 'loss_nice_real', 'loss_nice_fake', 'loss_nice_generator'),
        *('loss_lecam', 'loss_r1', 'loss_dwcl', 'p_ada', 'p_apa', 'p_chain', 'beta_nice', 'r_t'),
    } <= set(logs)
    assert all(value.isfinite() for value in logs.values())
    parts = sum(
        logs[f'loss_{name}']
        for name in ('real', 'fake', '0mr', 'nice_real', 'nice_fake', 'lecam', 'r1', 'dwcl')
    )
    torch.testing.assert_close(logs['loss_disc'], parts)
    # 4 images of 10 move p by 0.4, down or up as r_t says.
    expected = 0.3 + 0.4 * (1 if logs['r_t'] > 0.6 else -1)
    assert logs['p_ada'].item() == pytest.approx(min(max(expected, 0.0), 0.8))
    state = model.state_dict()
    assert {'augment.strength.value', 'pseudo_real.strength.value'} <= set(state)


def test_a_penalty_of_gradients_needs_the_batch_form_of_chain():
    cfg = dict(
        generator=dict(type='mmagic.DCGANGenerator', output_scale=64, base_channels=16),
        discriminator=DCGAN['discriminator'],
        disc_auxiliary_losses=dict(r1=dict(type='R1Penalty')),
    )
    with pytest.raises(ValueError, match=r'R1Penalty in .*CHAIN as it is.*regularisers\.c\.form='):
        LimitedDataGAN(**cfg, regularisers=dict(c=dict(type='CHAIN')))
    LimitedDataGAN(**cfg, regularisers=dict(c=dict(type='CHAIN', form='batch')))


@pytest.mark.parametrize(
    ('layers', 'frozen'),
    [(2, {'stem', 'down_32'}), (['small'], {'small'})],
)
def test_freeze_disc(layers, frozen):
    cfg = dict(
        **FASTGAN,
        disc_auxiliary_losses=dict(rec=dict(type='WaveletL1Loss')),
        contrast=CONTRAST,
        freeze_disc=layers,
    )
    model = LimitedDataGAN(**cfg).train()
    before = {n: p.clone() for n, p in model.discriminator.backbone.named_parameters()}
    model.train_step(batch(64), optimisers(model))
    for name, p in model.discriminator.backbone.named_parameters():
        kept = name.split('.')[0] in frozen
        assert p.requires_grad != kept, name
        assert torch.equal(p, before[name]) == kept, name


def test_freeze_disc_refuses():
    with pytest.raises(ValueError, match='freeze_disc must be below 4, the number of feature maps'):
        LimitedDataGAN(**DCGAN, freeze_disc=4)
    with pytest.raises(ValueError, match="no submodule 'x'"):
        LimitedDataGAN(**DCGAN, freeze_disc=['x'])


def test_freeze_disc_takes_one_name():
    model = LimitedDataGAN(**DCGAN, freeze_disc='downsamples.0')
    frozen = {n for n, p in model.discriminator.named_parameters() if not p.requires_grad}
    assert frozen and all(name.startswith('downsamples.0.') for name in frozen)


def test_trains_under_autocast():
    """mmagic's blocks leave autocast, and refuse half-precision latents."""
    model = LimitedDataGAN(
        **STYLEGAN2,
        augment=dict(type='ADA', initial=0.8),
        contrast=CONTRAST,
        regularisers=dict(nice=dict(type='NICE', initial=0.3)),
    ).train()
    wrappers = {
        name: AutocastOptimWrapper(optimizer=torch.optim.Adam(getattr(model, name).parameters()))
        for name in ('generator', 'discriminator')
    }
    logs = model.train_step(batch(8), OptimWrapperDict(**wrappers))
    assert all(value.isfinite() for value in logs.values())


@pytest.mark.parametrize('cfg', [SAGAN, SAGAN3, BIGGAN3])
def test_no_batch_statistics_wait_for_other_ranks(cfg):
    """In a distributed training mmagic takes SyncBatchNorm, and rank 0 alone draws samples."""
    torch.distributed.init_process_group('gloo', rank=0, world_size=1, store=HashStore())
    try:
        model = LimitedDataGAN(**cfg, ema_config=dict(momentum=0.01))
    finally:
        torch.distributed.destroy_process_group()
    assert not any(isinstance(m, torch.nn.SyncBatchNorm) for m in model.modules())
    model.load_state_dict(LimitedDataGAN(**cfg, ema_config=dict(momentum=0.01)).state_dict())


def test_one_tap_is_too_few_for_prototypes():
    taps = dict(CONTRAST, taps=['convs'])
    with pytest.raises(ValueError, match=r'contrast\.taps must name two maps or more'):
        LimitedDataGAN(**STYLEGAN2, contrast=taps)
    LimitedDataGAN(**STYLEGAN2, contrast=dict(taps, gwcl=None))


def test_taps_must_be_a_list():
    with pytest.raises(ValueError, match=r"contrast\.taps must be a list, such as \['convs'\]"):
        LimitedDataGAN(**STYLEGAN2, contrast=dict(CONTRAST, taps='convs'))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(regularisers=dict(type='NICE')), 'regularisers must be configs by names'),
        (
            dict(regularisers=dict(a=dict(type='LeCamLoss'))),
            r'regularisers\.a must be a regulariser',
        ),
        (dict(disc_auxiliary_losses=dict(type='LeCamLoss')), 'disc_auxiliary_losses must be conf'),
        (
            dict(disc_auxiliary_losses=dict(a=dict(type='HingeGANLoss'))),
            r'disc_auxiliary_losses\.a must be a loss that says its inputs, got HingeGANLoss',
        ),
        (dict(augment=dict(type='APA')), 'augment must be one such as DiffAugment or ADA, got APA'),
        (dict(pseudo_real=dict(type='ADA')), 'pseudo_real must be one such as APA, got ADA'),
        (
            dict(generator={**FASTGAN['generator'], 'out_size': 128}),
            'generator makes images of 128 pixels, discriminator takes 64',
        ),
        (
            dict(
                discriminator=dict(
                    type='FastGANBigDiscriminator', in_size=64, base_channels=4, decoders=False
                )
            ),
            r'set model\.generator\.small=False',
        ),
        *(
            (
                dict(discriminator=PROJECTED['discriminator'], contrast=contrast),
                'ProjectedDiscriminator does not look at the small image of FastGANGenerator',
            )
            for contrast in (None, CONTRAST)
            if find_spec('timm')
        ),
    ],
)
def test_parts_in_the_wrong_place(changes, message):
    with pytest.raises(ValueError, match=message):
        LimitedDataGAN(**{**PLAIN_FASTGAN, **changes})


def test_lazy_losses_count_their_own_steps_where_nobody_tells():
    model = LimitedDataGAN(**STYLEGAN2).train()
    optim = optimisers(model)
    found = ['loss_path' in model.train_step(batch(8), optim) for _ in range(5)]
    assert found == [True, False, False, False, True]
