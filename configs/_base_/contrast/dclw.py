# Decoupled contrastive learning with weighted positives.
_base_ = './fncontra.py'
contrast = dict(dwcl=dict(objective=dict(type='DCLW', sigma=0.5)))
