# As fastgan_shells.py, with adaptive pseudo augmentation.
_base_ = '../fastgan/fastgan_shells.py'
model = dict(pseudo_real=dict(type='APA', target=0.6, kimg=500))
