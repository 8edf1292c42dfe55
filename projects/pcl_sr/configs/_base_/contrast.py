contrast = dict(
    loss=dict(type='mmfncontra.RestorationContrastLoss', temperature=1.0, loss_weight=1e-3),
    negatives=dict(type='mmfncontra.LowPassNegatives', num=3, sigma=(0.8, 3.0)),
    view=dict(type='mmfncontra.HighBoostView', limits=(0.0, 1.0)),
    num_views=1,
)
