# SSCL: mixes of the hardest negatives, sampled by their contrast and corrected for false ones.
_base_ = './many-negatives.py'
contrast = dict(
    negatives=[_base_.contrast.negatives, dict(type='SyntheticNegatives', num=16, hardest=16)],
    dwcl=dict(objective=dict(type='DebiasedInfoNCE', class_prior=0.1, hardness=1.0)),
)
