# In batches of 64, as published; that is in configs/projected/.
train_cfg = dict(type='ResumableIterTrainLoop', max_iters=50_000, val_interval=5000)
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.99), fused=True)),
    discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.99), fused=True)),
)
