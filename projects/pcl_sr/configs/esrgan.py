_base_ = ['_base_/runtime.py', '_base_/shoes_to_hats.py', '_base_/discriminator.py']

model = dict(
    type='ESRGAN',
    generator=dict(
        type='RRDBNet',
        in_channels=3,
        out_channels=3,
        mid_channels=16,
        num_blocks=2,
        growth_channels=8,
        upscale_factor=4,
        # mmagic's own start, a tenth of this, takes thousands of iterations to leave.
        init_cfg=dict(
            type='Kaiming',
            layer='Conv2d',
            a=0.2,
            mode='fan_in',
            override=dict(type='Normal', name='conv_last', std=0.02),
        ),
    ),
    discriminator=_base_.discriminator,
    pixel_loss=dict(type='L1Loss', loss_weight=1.0, reduction='mean'),
    gan_loss=_base_.gan_loss,
    data_preprocessor=dict(type='DataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3),
)
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-3, betas=(0.9, 0.999))),
    discriminator=_base_.discriminator_optim,
)
