_base_ = './fastgan_256.py'
model = dict(generator=dict(out_size=128), discriminator=dict(in_size=128))
