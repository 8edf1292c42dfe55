# As fastgan.py --size 64.
_base_ = './fastgan.py'
model = dict(generator=dict(out_size=64), discriminator=dict(in_size=64))
train_dataloader = dict(dataset=dict(size=64))
