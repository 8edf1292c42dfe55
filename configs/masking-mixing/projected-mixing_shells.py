_base_ = ['../projected/projected_shells.py', '../_base_/contrast/mixing.py']
model = dict(contrast=_base_.contrast)
custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]
