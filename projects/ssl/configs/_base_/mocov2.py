model = dict(
    type='MoCo',
    queue_len=256,
    feat_dim=64,
    momentum=0.02,
    backbone=dict(type='ResNet', depth=18, stem_channels=16, base_channels=16),
    neck=dict(
        type='MoCoV2Neck',
        in_channels=128,
        hid_channels=128,
        out_channels=64,
        with_avg_pool=True,
    ),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2),
)
