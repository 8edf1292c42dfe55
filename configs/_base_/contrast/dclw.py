# Decoupled contrastive learning with weighted positives. It wants many negatives.
_base_ = './many-negatives.py'
contrast = dict(dwcl=dict(objective=dict(type='DCLW', sigma=0.5)))
