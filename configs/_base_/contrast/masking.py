# The positive view lacks random blocks.
_base_ = './fncontra.py'
contrast = dict(view=[_base_.contrast.view, dict(type='RandomMasking', ratio=0.3, blocks=8)])
