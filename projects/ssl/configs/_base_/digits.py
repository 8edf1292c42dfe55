# Few samples need no packing, which takes mmengine longer than a training step.
data = dict(type='Digits', size=28, serialize_data=False)
data_preprocessor = dict(type='SelfSupDataPreprocessor', mean=[78.0], std=[96.0])
view = [
    dict(type='Rotate', magnitude_range=(0, 20), magnitude_std='inf', pad_val=0, prob=1.0),
    dict(type='RandomResizedCrop', scale=28, crop_ratio_range=(0.5, 1.0)),
    dict(type='Contrast', magnitude_range=(0, 0.4), magnitude_std='inf', prob=0.8),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        **data,
        split='train',
        pipeline=[dict(type='MultiView', num_views=2, transforms=[view]), dict(type='PackInputs')],
    ),
)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=5)
custom_hooks = [
    dict(
        type='LinearProbeHook',
        train=dict(**data, split='train', pipeline=[dict(type='PackInputs')]),
        test=dict(**data, split='test', pipeline=[dict(type='PackInputs')]),
    )
]
