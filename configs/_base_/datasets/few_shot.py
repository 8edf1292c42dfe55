# What every data set of a few images shares. A data set names its data_root and its size.
train_dataloader = dict(
    batch_size=8,
    # The decoded images are in memory: a worker process would only copy them.
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    # One tensor a batch: one copy to a GPU.
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='FewShotDataset',
        size=256,
        pipeline=[
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackImages'),
        ]))
