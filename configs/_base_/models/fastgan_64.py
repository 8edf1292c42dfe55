_base_ = './fastgan.py'
model = dict(generator=dict(out_size=64), discriminator=dict(in_size=64))
