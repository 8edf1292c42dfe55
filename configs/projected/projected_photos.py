# Photographs' likenesses in ten minutes on two CPU cores.
_base_ = './projected-cpu_64.py'
train_cfg = dict(max_iters=2000, val_interval=1000)
# So short a training is validated in a twentieth of its time, and ends still.
val_evaluator = dict(
    metrics=[
        dict(type='ImageMetrics', num_fake=256), dict(type='DiscriminatorView', num_fake=64),
        dict(_base_.offline_features, num_fake=64)])
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=0, end=2000, by_epoch=False)]
default_hooks = dict(
    checkpoint=dict(interval=500),
    logger=dict(interval=20),
    samples=dict(interval=500),
    doctor=dict(interval=200, window=400))
