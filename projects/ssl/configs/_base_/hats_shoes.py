data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)
view = [
    dict(type='RandomResizedCrop', scale=36, crop_ratio_range=(0.2, 1.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomApply',
        transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4)],
        prob=0.8,
    ),
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
]
data = dict(
    type='CustomDataset',
    # Beside the checkout; run.py and train.py set what --data names.
    data_root='{{ fileDirname }}/../../../../../shared/data',
    metainfo=dict(classes=('hats', 'shoes')),
    # Few samples need no packing, which takes mmengine longer than a training step.
    serialize_data=False,
)
train_list = '{{ fileDirname }}/../../splits/hats_shoes_train.txt'
test_list = '{{ fileDirname }}/../../splits/hats_shoes_test.txt'
load = dict(type='LoadImageFromFile')
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        **data,
        ann_file=train_list,
        pipeline=[
            load,
            dict(type='Resize', scale=(96, 96), interpolation='area'),
            dict(type='MultiView', num_views=2, transforms=[view]),
            dict(type='PackInputs'),
        ],
    ),
)
whole = [load, dict(type='Resize', scale=(36, 36), interpolation='area'), dict(type='PackInputs')]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=8)
custom_hooks = [
    dict(
        type='LinearProbeHook',
        train=dict(**data, ann_file=train_list, pipeline=whole),
        test=dict(**data, ann_file=test_list, pipeline=whole),
    )
]
