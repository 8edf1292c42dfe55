# As projected.py --size 1024.
_base_ = './projected.py'
model = dict(generator=dict(out_size=1024), discriminator=dict(in_size=1024))
train_dataloader = dict(dataset=dict(size=1024))
train_cfg = dict(max_iters=100_000)
