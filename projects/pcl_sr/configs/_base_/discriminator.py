# The same for the GAN baselines, their contrastive variants and the contrast of EDSR.
discriminator = dict(type='mmfncontra.FrequencyDiscriminator', base_channels=16, num_stages=3)
gan_loss = dict(type='GANLoss', gan_type='vanilla', loss_weight=1e-3)
discriminator_optim = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.9, 0.999))
)
