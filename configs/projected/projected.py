# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER --size N
_base_ = [
    '../_base_/models/projected.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/projected_50k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=64)
# The largest images are trained for longer.
by_size = {
    size: dict(train_cfg=dict(max_iters=100_000 if size == 1024 else 50_000))
    for size in (64, 128, 256, 512, 1024)
}
