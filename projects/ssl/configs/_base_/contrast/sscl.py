contrast = dict(
    objective=dict(type='mmfncontra.DebiasedInfoNCE', class_prior=0.1, hardness=0.5),
    synthetic=dict(type='mmfncontra.SyntheticNegatives', num=32, hardest=64),
)
