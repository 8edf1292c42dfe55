_base_ = ['../projected/projected_demo.py', '../_base_/contrast/fncontra.py']
model = dict(contrast=_base_.contrast)
custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]
