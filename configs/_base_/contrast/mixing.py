# The positive is mixed with those of other images of the batch.
_base_ = './fncontra.py'
contrast = dict(view=[_base_.contrast.view, dict(type='FeatureMixing', share=(0.5, 1.0))])
