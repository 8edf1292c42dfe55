# As fastgan_shells.py, with NICE on all feature maps but the first.
_base_ = '../fastgan/fastgan_shells.py'
model = dict(regularisers=dict(nice=dict(type='NICE', gamma=1.0)))
