# Decoupled contrastive learning: the positive leaves the denominator. It wants many negatives.
_base_ = './many-negatives.py'
contrast = dict(dwcl=dict(objective=dict(type='DCL')))
