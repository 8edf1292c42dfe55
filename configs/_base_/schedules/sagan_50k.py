train_cfg = dict(type='ResumableIterTrainLoop', max_iters=50_000, val_interval=5000)
# Two rates in place of several discriminator steps for one of the generator.
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.9), fused=True)),
    discriminator=dict(optimizer=dict(type='Adam', lr=4e-4, betas=(0.0, 0.9), fused=True)),
)
