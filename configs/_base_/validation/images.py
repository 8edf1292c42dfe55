# What a run looks at between its iterations: metrics of 256 images that need no weights.
val_cfg = dict(type='SampleValLoop')
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(
    metrics=[dict(type='ImageMetrics', num_fake=256), dict(type='DiscriminatorView', num_fake=64)])
