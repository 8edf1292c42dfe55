_base_ = ['../projected/projected-stylegan2.py', '../_base_/contrast/fncontra.py']
model = dict(contrast=_base_.contrast)
custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]
