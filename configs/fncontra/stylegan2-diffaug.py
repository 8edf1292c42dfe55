_base_ = ['../stylegan2-diffaug/stylegan2-diffaug.py', '../_base_/contrast/fncontra.py']
model = dict(contrast=_base_.contrast)
custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]
