# For CPUs: 64 pixels, and networks of a quarter to a half of the width.
_base_ = './projected.py'
model = dict(
    generator=dict(out_size=64, base_channels=32),
    discriminator=dict(in_size=64, mix_channels=32, feature_size=128),
    ema_config=dict(half_life_kimg=5),
)
train_dataloader = dict(batch_size=8, dataset=dict(size=64))
