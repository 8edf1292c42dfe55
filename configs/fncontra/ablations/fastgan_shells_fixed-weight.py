# The weights stay at 0.5, as in the published code.
_base_ = ['../../fastgan/fastgan_shells.py', '../../_base_/contrast/fncontra.py']
model = dict(contrast=_base_.contrast)
