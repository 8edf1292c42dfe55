# Projected GAN: FastGAN's light generator against heads on a frozen network's features.
# What --size changes besides the sizes of images and networks: nothing.
by_size = {64: {}, 128: {}, 256: {}, 512: {}, 1024: {}}
model = dict(
    type='LimitedDataGAN',
    generator=dict(type='FastGANLiteGenerator', out_size=256),
    discriminator=dict(type='ProjectedDiscriminator', in_size=256),
    adversarial_loss=dict(type='HingeGANLoss', margin=(1.0, 1.0)),
    augment=dict(type='DiffAugment', policy='color,translation,cutout', cutout=0.2),
    ema_config=dict(type='HalfLifeEMA', half_life_kimg=20),
)
