# Minutes on two CPU cores: drawn seashells of 64 pixels and narrow networks.
_base_ = ['./fastgan-offline_64.py']
model = dict(
    generator=dict(base_channels=16, noise_size=64),
    discriminator=dict(base_channels=8),
    ema_config=dict(momentum=0.01),
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ProceduralShells',
        num_images=64,
        size=64,
        pipeline=[dict(type='PackImages')]))
train_cfg = dict(max_iters=1500)
default_hooks = dict(checkpoint=dict(interval=500), logger=dict(interval=20))
custom_hooks = [
    dict(type='NegativesPanelHook'),
    dict(type='SampleGridHook', interval=250),
    dict(type='CurvesHook'),
]
