# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER
_base_ = [
    '../_base_/models/stylegan2-ada_256.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/stylegan2_50k.py',
    '../_base_/default_runtime.py',
]
