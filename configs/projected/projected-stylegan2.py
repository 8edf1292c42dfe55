# As projected.py, with StyleGAN2's generator: a short mapping from 128 numbers (published: from
# 64), heads of separable convolutions, and ten times the rates.
_base_ = './projected.py'
model = dict(
    generator=dict(
        _delete_=True,
        type='StyleGAN2Generator',
        out_size=256,
        style_channels=128,
        num_mlps=2,
        channel_multiplier=1,
        mix_prob=0.9,
    ),
    discriminator=dict(separable=True),
)
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=2e-3)), discriminator=dict(optimizer=dict(lr=2e-3)))
