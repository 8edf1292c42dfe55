# Nothing to train: train.py tests it only.
_base_ = ['_base_/runtime.py', '_base_/shoes_to_hats.py']

model = dict(
    type='BaseEditModel',
    generator=dict(type='BicubicUpsampling', upscale_factor=4),
    pixel_loss=dict(type='L1Loss'),
    data_preprocessor=dict(type='DataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3),
)
train_dataloader = None
train_cfg = None
param_scheduler = None
