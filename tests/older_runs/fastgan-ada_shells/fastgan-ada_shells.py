contrast = dict(
    dwcl=dict(loss_weight=1.0, temperature=0.07, type='DWCLLoss'),
    gwcl=dict(decay=0.5, loss_weight=0.1, type='GWCLLoss'),
    negatives=dict(levels=5, type='FrequencyNegatives', wavelet='haar'),
    type='FNContra',
    view=dict(max_angle=30.0, type='RandomView'),
    weights=dict(momentum=0.99, type='SelfInformationWeight'))
contrast_hooks = [
    dict(type='DynamicWeightHook'),
]
custom_hooks = [
    dict(type='DynamicWeightHook'),
]
custom_imports = dict(
    allow_failed_imports=False, imports=[
        'mmfncontra.models.gans',
    ])
default_hooks = dict(
    cards=dict(type='MetricCardHook'),
    checkpoint=dict(
        by_epoch=False, interval=2, max_keep_ckpts=2, type='CheckpointHook'),
    curves=dict(type='CurvesHook'),
    doctor=dict(type='RunDoctorHook'),
    logger=dict(interval=1, type='ProgressLoggerHook'),
    negatives=dict(type='NegativesPanelHook'),
    non_finite=dict(type='NonFiniteHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    runtime_info=dict(type='StepScalarsHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    samples=dict(interval=500, num_images=2, type='SampleGridHook'),
    timer=dict(type='IterTimerHook'))
default_scope = 'mmfncontra'
env_cfg = dict(
    cudnn_benchmark=True,
    dist_cfg=dict(backend='nccl'),
    keep_freed_memory=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    num_threads=None,
    tf32=True)
launcher = 'none'
load_from = None
log_level = 'INFO'
log_processor = dict(by_epoch=False, type='LogProcessor')
model = dict(
    adversarial_loss=dict(margin=(
        0.8,
        1.0,
    ), type='HingeGANLoss'),
    augment=dict(
        ada_kimg=500,
        categories='bgc',
        initial=0.5,
        interval=1,
        target=0.6,
        type='ADA'),
    contrast=dict(
        dwcl=dict(loss_weight=1.0, temperature=0.07, type='DWCLLoss'),
        gwcl=dict(decay=0.5, loss_weight=0.1, type='GWCLLoss'),
        negatives=dict(levels=5, type='FrequencyNegatives', wavelet='haar'),
        type='FNContra',
        view=dict(max_angle=30.0, type='RandomView'),
        weights=dict(momentum=0.99, type='SelfInformationWeight')),
    disc_auxiliary_losses=dict(rec=dict(type='WaveletL1Loss')),
    discriminator=dict(
        base_channels=1, in_size=64, type='FastGANDiscriminator'),
    ema_config=dict(momentum=0.001),
    generator=dict(
        base_channels=1, noise_size=4, out_size=64, type='FastGANGenerator'),
    type='LimitedDataGAN')
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    discriminator=dict(
        optimizer=dict(
            betas=(
                0.5,
                0.999,
            ), fused=True, lr=0.0002, type='Adam')),
    generator=dict(
        optimizer=dict(
            betas=(
                0.5,
                0.999,
            ), fused=True, lr=0.0002, type='Adam')))
randomness = dict(diff_rank_seed=True, seed=0)
resume = False
test_cfg = dict(type='SampleTestLoop')
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(shuffle=False, type='DefaultSampler'))
test_evaluator = dict(metrics=[
    dict(
        num_fake=5000,
        type='FeatureMetrics',
        values=[
            'fid',
            'kid',
            'precision_recall',
        ]),
    dict(num_fake=1000, type='ImageMetrics'),
])
train_cfg = dict(
    max_iters=4, type='ResumableIterTrainLoop', val_begin=4, val_interval=4)
train_dataloader = dict(
    batch_size=2,
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        num_images=4,
        pipeline=[
            dict(type='PackImages'),
        ],
        size=64,
        type='ProceduralShells'),
    num_workers=0,
    persistent_workers=False,
    sampler=dict(shuffle=True, type='InfiniteSampler'))
val_cfg = dict(type='SampleValLoop')
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(shuffle=False, type='DefaultSampler'))
val_evaluator = dict(metrics=[
    dict(num_fake=2, type='ImageMetrics', values=[
        'swd',
    ]),
])
visualizer = dict(
    type='Visualizer', vis_backends=[
        dict(type='LocalVisBackend'),
    ])
work_dir = 'runs/fastgan-ada_shells'
