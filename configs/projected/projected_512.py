# As projected.py --size 512.
_base_ = './projected.py'
model = dict(generator=dict(out_size=512), discriminator=dict(in_size=512))
train_dataloader = dict(dataset=dict(size=512))
