data_root = 'work_dirs/pcl_sr/pairs'

load = [
    dict(
        type='LoadImageFromFile',
        key='img',
        color_type='color',
        channel_order='rgb',
        imdecode_backend='cv2',
        use_cache=True,
    ),
    dict(
        type='LoadImageFromFile',
        key='gt',
        color_type='color',
        channel_order='rgb',
        imdecode_backend='cv2',
        use_cache=True,
    ),
]
train_pipeline = [
    *load,
    dict(type='SetValues', dictionary=dict(scale=4)),
    dict(type='PairedRandomCrop', gt_patch_size=64),
    dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='horizontal'),
    dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='vertical'),
    dict(type='RandomTransposeHW', keys=['img', 'gt'], transpose_ratio=0.5),
    dict(type='PackInputs'),
]
test_pipeline = [*load, dict(type='PackInputs')]

dataset = dict(type='BasicImageDataset', data_root=data_root)
one_by_one = dict(
    num_workers=0,
    batch_size=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
train_dataloader = dict(
    num_workers=0,
    batch_size=4,
    drop_last=True,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        **dataset, data_prefix=dict(img='train/lr', gt='train/gt'), pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    **one_by_one,
    dataset=dict(**dataset, data_prefix=dict(img='val/lr', gt='val/gt'), pipeline=test_pipeline),
)
test_dataloader = dict(
    **one_by_one,
    dataset=dict(**dataset, data_prefix=dict(img='test/lr', gt='test/gt'), pipeline=test_pipeline),
)

# Over the three colours, which mmagic does where nothing says convert_to='Y'.
val_evaluator = dict(
    type='Evaluator', metrics=[dict(type='PSNR', crop_border=4), dict(type='SSIM', crop_border=4)]
)
test_evaluator = val_evaluator
