# As fastgan-offline_64.py, with NICE on all feature maps but the first.
_base_ = '../fastgan/fastgan-offline_64.py'
model = dict(regularisers=dict(nice=dict(type='NICE', gamma=1.0)))
