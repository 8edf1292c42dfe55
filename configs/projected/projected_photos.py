# Photographs' likenesses in ten minutes on two CPU cores.
_base_ = './projected-cpu_64.py'
train_cfg = dict(max_iters=1400, val_interval=1400)
# So short a training is validated once, in seconds: features of few images, none mirrored.
val_evaluator = dict(
    metrics=[
        dict(type='ImageMetrics', num_fake=256), dict(type='DiscriminatorView', num_fake=64),
        dict(_base_.offline_features, values=['fd', 'kid', 'precision_recall'], num_fake=64)])
# It ends still; a rate that falls all the way learns less in so short a time.
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=1100, end=1400, by_epoch=False)]
default_hooks = dict(
    checkpoint=dict(interval=350),
    logger=dict(interval=20),
    samples=dict(interval=200),
    doctor=dict(interval=200, window=400))
