model = dict(
    type='LimitedDataGAN',
    generator=dict(type='mmagic.DCGANGenerator', output_scale=64, base_channels=1024),
    discriminator=dict(
        type='mmagic.DCGANDiscriminator',
        input_scale=64,
        output_scale=4,
        out_channels=1,
        base_channels=128,
        default_act_cfg=dict(type='LeakyReLU', negative_slope=0.2),
    ),
    adversarial_loss=dict(type='LogisticGANLoss'),
    augment=dict(type='DiffAugment', policy='color,translation,cutout'),
    ema_config=dict(momentum=0.001),
)
# What --size changes besides the sizes of images and networks. The generator halves its channels
# once more at 128; so that the discriminator mirrors it, it starts with half of them.
by_size = {
    64: dict(model=dict(discriminator=dict(base_channels=128))),
    128: dict(model=dict(discriminator=dict(base_channels=64))),
}
