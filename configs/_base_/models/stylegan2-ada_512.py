# From 512 up ADA's networks are twice as wide in their maps of 64² and larger.
_base_ = './stylegan2-ada.py'
model = dict(
    generator=dict(out_size=512, channel_multiplier=2),
    discriminator=dict(in_size=512, channel_multiplier=2),
    disc_auxiliary_losses=dict(r1=dict(gamma=0.0002 * 512**2 / 8)),
)
