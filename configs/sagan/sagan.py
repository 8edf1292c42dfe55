# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER --size N
_base_ = [
    '../_base_/models/sagan.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/sagan_50k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(dataset=dict(size=64))
