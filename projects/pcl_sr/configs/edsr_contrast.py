# The discriminator learns, but the generator is not asked to deceive it.
_base_ = ['edsr.py', '_base_/discriminator.py', '_base_/contrast.py']

model = dict(
    type='ContrastiveSRGAN',
    discriminator=_base_.discriminator,
    gan_loss={**_base_.gan_loss, 'loss_weight': 0.0},
    contrast=_base_.contrast,
)
optim_wrapper = dict(
    _delete_=True,
    constructor='MultiOptimWrapperConstructor',
    generator=_base_.optim_wrapper,
    discriminator=_base_.discriminator_optim,
)
