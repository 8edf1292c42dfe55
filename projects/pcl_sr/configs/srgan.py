_base_ = ['_base_/runtime.py', '_base_/shoes_to_hats.py', '_base_/discriminator.py']

model = dict(
    type='SRGAN',
    generator=dict(
        type='MSRResNet',
        in_channels=3,
        out_channels=3,
        mid_channels=24,
        num_blocks=4,
        upscale_factor=4,
    ),
    discriminator=_base_.discriminator,
    pixel_loss=dict(type='L1Loss', loss_weight=1.0, reduction='mean'),
    gan_loss=_base_.gan_loss,
    data_preprocessor=dict(type='DataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3),
)
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.999))),
    discriminator=_base_.discriminator_optim,
)
