default_scope = 'mmfncontra'
# The models stand on mmagic; they are imported when a config asks for them, not before.
custom_imports = dict(imports=['mmfncontra.models.gans'], allow_failed_imports=False)
# What mmengine's RUNNERS.build(cfg) builds, as the command does: checkpoints and the train loop are
# the business of this one.
runner_type = 'mmfncontra.TrainingRunner'

default_hooks = dict(
    runtime_info=dict(type='StepScalarsHook'),
    timer=dict(type='IterTimerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    logger=dict(type='ProgressLoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2000, max_keep_ckpts=3),
    negatives=dict(type='NegativesPanelHook'),
    samples=dict(type='SampleGridHook', interval=500),
    curves=dict(type='CurvesHook'),
    cards=dict(type='MetricCardHook'),
    doctor=dict(type='RunDoctorHook'),
    # More than 20 skipped steps of 100: back to the last good checkpoint with half the rates.
    non_finite=dict(type='NonFiniteHook'),
)
custom_hooks = []

# Every train_cfg.val_interval iterations and at the end: metrics that need no download, against the
# images trained on. FID belongs here too, in a config of one's own: dict(type='FeatureMetrics').
val_cfg = dict(type='SampleValLoop')
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
offline_features = dict(
    type='FeatureMetrics',
    extractor='efficientnet_lite2',
    values=['fd', 'kid', 'precision_recall', 'density_coverage', 'memorisation'],
    # Of the packages of the extra pretrained; without them a training goes on without.
    optional=True,
)
# The images of ImageMetrics serve for the features too.
val_evaluator = dict(
    metrics=[
        dict(type='ImageMetrics', num_fake=256),
        dict(type='DiscriminatorView', num_fake=64),
        dict(offline_features, num_fake=256),
    ]
)
# tools/test.py, by the protocol of the FNContra paper: 5,000 samples against all training images.
# fid50k_full is num_fake=50_000.
test_cfg = dict(type='SampleTestLoop')
test_dataloader = val_dataloader
test_evaluator = dict(
    metrics=[
        dict(type='FeatureMetrics', values=['fid', 'kid', 'precision_recall'], num_fake=5000),
        dict(offline_features, num_fake=1000),
        dict(type='ImageMetrics', num_fake=1000),
    ]
)

log_processor = dict(type='LogProcessor', by_epoch=False)
# dict(type='TensorboardVisBackend') or dict(type='WandbVisBackend') in this list sends scalars and
# sample grids there as well.
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
    # TensorFloat-32 on a GPU that has it, torch's default for convolutions, in matrix products too.
    # False: float32 in both.
    tf32=True,
    # Threads of torch on the CPU; None leaves them to torch.
    num_threads=None,
    # On the CPU: the process keeps the memory of a step for the next one (glibc).
    keep_freed_memory=True,
)
# Ranks share the weights and differ in their noise.
randomness = dict(seed=0, diff_rank_seed=True)
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')
log_level = 'INFO'
load_from = None
resume = False
