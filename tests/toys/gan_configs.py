"""Parts of small GANs as configs, in our scope."""

CONTRAST = dict(type='FNContra', negatives=dict(type='FrequencyNegatives', levels=3))
FASTGAN = dict(
    generator=dict(type='FastGANGenerator', out_size=64, base_channels=4),
    discriminator=dict(type='FastGANDiscriminator', in_size=64, base_channels=4),
)
# Without decoders, which a reconstruction would need.
PLAIN_FASTGAN = dict(FASTGAN, discriminator=dict(FASTGAN['discriminator'], decoders=False))
PROJECTED = dict(
    generator=dict(type='FastGANLiteGenerator', out_size=64, base_channels=4),
    discriminator=dict(type='ProjectedDiscriminator', in_size=64, mix_channels=4, feature_size=64),
)
STYLEGAN2 = dict(
    generator=dict(type='StyleGAN2Generator', out_size=8, style_channels=8, num_mlps=1),
    discriminator=dict(type='mmagic.StyleGAN2Discriminator', in_size=8),
    adversarial_loss=dict(type='LogisticGANLoss'),
    disc_auxiliary_losses=dict(r1=dict(type='R1Penalty')),
    gen_auxiliary_losses=dict(path=dict(type='PathLengthPenalty')),
)
DCGAN = dict(
    generator=dict(type='mmagic.DCGANGenerator', output_scale=64, base_channels=16),
    discriminator=dict(
        type='mmagic.DCGANDiscriminator',
        input_scale=64,
        output_scale=4,
        out_channels=1,
        base_channels=4,
    ),
)
SAGAN = dict(
    generator=dict(
        type='mmagic.SAGANGenerator',
        output_scale=64,
        base_channels=4,
        attention_after_nth_block=3,
        with_spectral_norm=True,
        use_cbn=False,
    ),
    discriminator=dict(
        type='mmagic.SAGANDiscriminator',
        input_scale=64,
        base_channels=4,
        attention_after_nth_block=2,
    ),
)
