# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER --size N
_base_ = [
    '../_base_/models/fastgan.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/fastgan_50k.py',
    '../_base_/default_runtime.py',
]
# The largest images are trained for longer.
by_size = {1024: dict(train_cfg=dict(max_iters=100_000))}
