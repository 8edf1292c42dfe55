# Attention is on the maps of 32² in both networks, with which the paper has its best FID.
model = dict(
    type='LimitedDataGAN',
    generator=dict(
        type='mmagic.SAGANGenerator',
        output_scale=64,
        base_channels=64,
        attention_after_nth_block=3,
        with_spectral_norm=True,
        use_cbn=False,
    ),
    discriminator=dict(
        type='mmagic.SAGANDiscriminator',
        input_scale=64,
        base_channels=64,
        attention_after_nth_block=1,
        with_spectral_norm=True,
    ),
    adversarial_loss=dict(type='HingeGANLoss', margin=(1.0, 1.0)),
    augment=dict(type='DiffAugment', policy='color,translation,cutout'),
    ema_config=dict(momentum=0.001),
)
# What --size changes besides the sizes of images and networks: the block whose maps are of 32².
by_size = {
    64: dict(model=dict(discriminator=dict(attention_after_nth_block=1))),
    128: dict(model=dict(discriminator=dict(attention_after_nth_block=2))),
}
