# As stylegan2-ada_shells.py, with adaptive pseudo augmentation in place of ADA.
_base_ = '../stylegan2-ada/stylegan2-ada_shells.py'
model = dict(augment=None, pseudo_real=dict(type='APA', target=0.6, kimg=500))
