# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER
_base_ = [
    '../_base_/models/fastgan_256.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/fastgan_50k.py',
    '../_base_/default_runtime.py',
]
