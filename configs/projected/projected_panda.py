_base_ = [
    '../_base_/models/projected.py',
    '../_base_/datasets/panda.py',
    '../_base_/schedules/projected_50k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=64)
