# Minutes on two CPU cores: drawn seashells of 64 pixels and narrow networks.
_base_ = [
    '../_base_/models/fastgan_64.py',
    '../_base_/datasets/procedural_shells.py',
    '../_base_/schedules/fastgan_50k.py',
    '../_base_/default_runtime.py',
]
model = dict(
    generator=dict(base_channels=12, noise_size=64),
    discriminator=dict(base_channels=8),
    disc_auxiliary_losses=dict(rec=dict(_delete_=True, type='WaveletL1Loss', loss_weight=0.3)),
    ema_config=dict(momentum=0.01),
)
train_dataloader = dict(
    dataset=dict(num_images=32, families=['scallop', 'turret']))
# So short a training starts fast and ends still.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=5e-4)), discriminator=dict(optimizer=dict(lr=5e-4)))
train_cfg = dict(max_iters=1100, val_interval=550)
# Features of few images: so short a training is validated in a twentieth of its time.
val_evaluator = dict(
    metrics=[
        dict(type='ImageMetrics', num_fake=256), dict(type='DiscriminatorView', num_fake=64),
        dict(_base_.offline_features, num_fake=64)])
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.05, begin=0, end=1100, by_epoch=False)]
default_hooks = dict(
    checkpoint=dict(interval=550),
    logger=dict(interval=20),
    samples=dict(interval=220),
    doctor=dict(interval=100, window=200))
