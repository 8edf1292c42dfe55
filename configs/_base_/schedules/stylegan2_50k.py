train_cfg = dict(type='ResumableIterTrainLoop', max_iters=50_000, val_interval=5000)
# lr 0.0025 and betas (0, 0.99), corrected for lazy regularisation as in StyleGAN2: with a penalty
# every k iterations, 4 of the generator and 16 of the discriminator, and c = k / (k + 1), the rate
# is multiplied by c and the betas are raised to the power of c.
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(
        optimizer=dict(
            type='Adam',
            lr=0.0025 * 4 / 5,
            betas=(0.0, 0.99**(4 / 5)),
            eps=1e-8,
            fused=True)),
    discriminator=dict(
        optimizer=dict(
            type='Adam',
            lr=0.0025 * 16 / 17,
            betas=(0.0, 0.99**(16 / 17)),
            eps=1e-8,
            fused=True)),
)
