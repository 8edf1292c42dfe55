# As fastgan.py, with ADA in place of DiffAugment.
_base_ = '../fastgan/fastgan.py'
model = dict(augment=dict(_delete_=True, type='ADA', categories='bgc', target=0.6, ada_kimg=500))
