# As stylegan2-ada.py --size 64.
_base_ = './stylegan2-ada.py'
model = dict(
    generator=dict(out_size=64),
    discriminator=dict(in_size=64),
    disc_auxiliary_losses=dict(r1=dict(gamma=0.0002 * 64**2 / 8)),
)
train_dataloader = dict(dataset=dict(size=64))
