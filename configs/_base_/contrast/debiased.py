# Other images as negatives, corrected for those of the same kind among them.
_base_ = './many-negatives.py'
contrast = dict(dwcl=dict(objective=dict(type='DebiasedInfoNCE', class_prior=0.1)))
