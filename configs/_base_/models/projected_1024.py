_base_ = './projected.py'
model = dict(generator=dict(out_size=1024), discriminator=dict(in_size=1024))
