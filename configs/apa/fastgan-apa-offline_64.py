# As fastgan-offline_64.py, with adaptive pseudo augmentation.
_base_ = '../fastgan/fastgan-offline_64.py'
model = dict(pseudo_real=dict(type='APA', target=0.6, kimg=500))
