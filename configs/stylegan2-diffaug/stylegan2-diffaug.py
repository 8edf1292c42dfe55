# As stylegan2-ada.py, with DiffAugment in place of ADA.
_base_ = '../stylegan2-ada/stylegan2-ada.py'
model = dict(augment=dict(_delete_=True, type='DiffAugment', policy='color,translation,cutout'))
