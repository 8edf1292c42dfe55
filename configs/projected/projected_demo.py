# As projected_photos.py, for minutes only, on drawn seashells, which need no files.
_base_ = './projected_photos.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ProceduralShells',
        num_images=64,
        size=64,
        seed=0,
        # Not flipped: these shells coil one way, as nearly all do.
        pipeline=[dict(type='PackImages')]))
train_cfg = dict(max_iters=700, val_interval=700)
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=550, end=700, by_epoch=False)]
default_hooks = dict(
    checkpoint=dict(interval=350),
    samples=dict(interval=100),
    doctor=dict(interval=100, window=200))
