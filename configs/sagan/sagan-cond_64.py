# Class-conditional: one folder of images for each class in the folder or zip passed as --data.
_base_ = './sagan.py'
model = dict(
    generator=dict(num_classes=2, use_cbn=True),
    discriminator=dict(num_classes=2),
)
train_dataloader = dict(
    dataset=dict(
        num_classes=2,
        pipeline=[
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackImages', extra_keys=['labels']),
        ]))
