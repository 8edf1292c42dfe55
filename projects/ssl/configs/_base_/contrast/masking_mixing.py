contrast = dict(
    view=dict(type='mmfncontra.RandomMasking', ratio=0.3, blocks=8),
    mixing=dict(type='mmfncontra.FeatureMixing', share=(0.5, 1.0)),
)
