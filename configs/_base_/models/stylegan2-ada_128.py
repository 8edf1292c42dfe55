_base_ = './stylegan2-ada_256.py'
model = dict(
    generator=dict(out_size=128),
    discriminator=dict(in_size=128),
    disc_auxiliary_losses=dict(r1=dict(gamma=0.0002 * 128**2 / 8)),
)
