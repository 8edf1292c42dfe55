model = dict(
    type='SimCLR',
    backbone=dict(type='ResNet', depth=18, stem_channels=16, base_channels=16),
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=128,
        out_channels=64,
        num_layers=2,
        with_avg_pool=True,
        # sync_bn='torch' makes it that of all GPUs, which mmpretrain's default does for this alone.
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2),
)
