_base_ = './projected.py'
model = dict(generator=dict(out_size=512), discriminator=dict(in_size=512))
