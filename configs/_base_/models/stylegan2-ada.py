model = dict(
    type='LimitedDataGAN',
    generator=dict(
        type='StyleGAN2Generator',
        out_size=256,
        style_channels=512,
        num_mlps=8,
        channel_multiplier=1,
        mix_prob=0.9,
    ),
    discriminator=dict(
        type='mmagic.StyleGAN2Discriminator',
        in_size=256,
        channel_multiplier=1,
        mbstd_cfg=dict(group_size=4, channel_groups=1),
    ),
    adversarial_loss=dict(type='LogisticGANLoss'),
    # ADA's rules of thumb: gamma is 0.0002 S² / batch, the average's half-life 10/32 batch kimg.
    disc_auxiliary_losses=dict(
        r1=dict(type='R1Penalty', gamma=0.0002 * 256**2 / 8, interval=16)),
    gen_auxiliary_losses=dict(path=dict(type='PathLengthPenalty', weight=2.0, interval=4)),
    augment=dict(type='ADA', categories='bgc', target=0.6, ada_kimg=500, maximum=0.8),
    ema_config=dict(type='HalfLifeEMA', half_life_kimg=8 * 10 / 32, ramp_up=0.05),
)
# What --size changes besides the sizes of images and networks: R1's weight, by the rule above, and
# from 512 up ADA's networks are twice as wide in their maps of 64² and larger.
by_size = {
    size: dict(
        model=dict(
            generator=dict(channel_multiplier=2 if size >= 512 else 1),
            discriminator=dict(channel_multiplier=2 if size >= 512 else 1),
            disc_auxiliary_losses=dict(r1=dict(gamma=0.0002 * size**2 / 8))))
    for size in (64, 128, 256, 512, 1024)
}
