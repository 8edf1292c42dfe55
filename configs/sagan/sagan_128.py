# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER
_base_ = [
    '../_base_/models/sagan_128.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/sagan_50k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(dataset=dict(size=128))
