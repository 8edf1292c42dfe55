# What --size changes besides the sizes of images and networks: nothing.
by_size = {64: {}, 128: {}, 256: {}, 512: {}, 1024: {}}
model = dict(
    type='LimitedDataGAN',
    generator=dict(type='FastGANGenerator', out_size=256),
    discriminator=dict(type='FastGANDiscriminator', in_size=256),
    adversarial_loss=dict(type='HingeGANLoss', margin=(0.8, 1.0)),
    disc_auxiliary_losses=dict(rec=dict(type='LPIPSReconstructionLoss')),
    augment=dict(type='DiffAugment', policy='color,translation'),
    ema_config=dict(momentum=0.001),
)
