# Decoupled contrastive learning: the positive leaves the denominator.
_base_ = './fncontra.py'
contrast = dict(dwcl=dict(objective=dict(type='DCL')))
