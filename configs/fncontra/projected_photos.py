_base_ = ['../projected/projected_photos.py', '../_base_/contrast/fncontra.py']
model = dict(contrast=_base_.contrast)
custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]
