# What every data set of a few images shares. A data set names its data_root; the config of a method
# sets size to the resolution of its model.
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='FewShotDataset',
        size=256,
        pipeline=[
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackImages'),
        ]))
