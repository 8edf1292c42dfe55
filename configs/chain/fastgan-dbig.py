# As fastgan.py, with the residual discriminator that CHAIN is reported on and a plain hinge.
_base_ = '../fastgan/fastgan.py'
model = dict(
    # This discriminator looks at the full-size image alone.
    generator=dict(small=False),
    discriminator=dict(type='FastGANBigDiscriminator'),
    adversarial_loss=dict(margin=(1.0, 1.0)),
)
