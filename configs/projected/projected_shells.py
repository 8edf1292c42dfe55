_base_ = [
    '../_base_/models/projected_1024.py',
    '../_base_/datasets/shells.py',
    '../_base_/schedules/projected_100k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=64)
