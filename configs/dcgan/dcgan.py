# For a folder or zip of one's own: tools/train.py CONFIG --data FOLDER --size N
# The rates of the DCGAN paper are those that FastGAN took over.
_base_ = [
    '../_base_/models/dcgan.py',
    '../_base_/datasets/folder.py',
    '../_base_/schedules/fastgan_50k.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(dataset=dict(size=64))
