_base_ = ['_base_/runtime.py', '_base_/shoes_to_hats.py']

model = dict(
    type='BaseEditModel',
    generator=dict(
        type='EDSRNet',
        in_channels=3,
        out_channels=3,
        mid_channels=24,
        num_blocks=4,
        upscale_factor=4,
        res_scale=1,
    ),
    pixel_loss=dict(type='L1Loss', loss_weight=1.0, reduction='mean'),
    data_preprocessor=dict(type='DataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-3, betas=(0.9, 0.999)))
