"""What the tables of bad input share."""

import re

import pytest

from mmfncontra.launch.command import user_error

# A whole config in small: the parts of configs/fncontra/fastgan_64.py, and every section of a run.
CONFIG = """
default_scope = 'mmfncontra'
custom_imports = dict(imports=['mmfncontra.models.gans'])
model = dict(
    type='LimitedDataGAN',
    generator=dict(type='FastGANGenerator', out_size=64, base_channels=2, noise_size=4),
    discriminator=dict(type='FastGANDiscriminator', in_size=64, base_channels=2, decoders=False),
    adversarial_loss=dict(type='HingeGANLoss'),
    augment=dict(type='DiffAugment', policy='color'),
    contrast=dict(
        type='FNContra',
        negatives=dict(type='FrequencyNegatives', levels=3),
        dwcl=dict(type='DWCLLoss'),
        gwcl=dict(type='GWCLLoss'),
        weights=dict(type='SelfInformationWeight')),
    ema_config=dict(momentum=0.01))
adam = dict(type='Adam', lr=1e-3, betas=(0.5, 0.9))
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(optimizer=adam),
    discriminator=dict(optimizer=adam))
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='FewShotDataset', data_root='images', size=64, pipeline=[dict(type='PackImages')]))
train_cfg = dict(type='ResumableIterTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='SampleValLoop')
val_dataloader = dict(batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(metrics=[dict(type='ImageMetrics', num_fake=2)])
param_scheduler = [dict(type='LinearLR', end=2, by_epoch=False)]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    samples=dict(type='SampleGridHook', interval=1, num_images=1),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1))
custom_hooks = []
log_processor = dict(type='LogProcessor', by_epoch=False)
env_cfg = dict(mp_cfg=dict(mp_start_method='fork'))
randomness = dict(seed=0)
"""


class Trained(Exception):
    """A training step was about to be made."""


def complaint(action, *arguments, **keywords):
    """What a user is told of a mistake: one short line from a check, before any training step."""
    with pytest.raises(Exception) as raised:
        action(*arguments, **keywords)
    said = user_error(raised.value)
    assert said is not None, f'{type(raised.value).__name__}: {raised.value}'
    assert '\n' not in said and len(said) < 600, said
    return said


def check(said, culprit, remedy):
    """Check that a message names what is wrong and what would be right."""
    assert re.search(culprit, said), f'{culprit} is not in: {said}'
    assert re.search(remedy, said), f'{remedy} is not in: {said}'
