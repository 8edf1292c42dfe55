# For CPUs: narrow networks at 64 pixels, which the backbone sees as they are, in small batches at a
# higher rate.
_base_ = './projected.py'
model = dict(
    generator=dict(out_size=64, base_channels=16, noise_size=64),
    discriminator=dict(in_size=64, mix_channels=32, feature_size=64),
    ema_config=dict(half_life_kimg=5),
)
train_dataloader = dict(batch_size=8, dataset=dict(size=64))
optim_wrapper = dict(generator=dict(optimizer=dict(lr=1e-3)))
train_cfg = dict(max_iters=20_000)
by_size = {
    '_delete_': True,
    **{size: dict(model=dict(discriminator=dict(feature_size=size)))
       for size in (64, 128, 256)},
}
