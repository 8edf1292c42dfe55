# FNContra's part of a model. Each of its three parts is one line: dwcl=None or gwcl=None leaves a
# loss out, and without contrast_hooks the weights stay at 0.5.
contrast = dict(
    type='FNContra',
    negatives=dict(type='FrequencyNegatives', wavelet='haar', levels=5),
    view=dict(type='RandomView', max_angle=30.0),
    dwcl=dict(type='DWCLLoss', temperature=0.07, loss_weight=1.0),
    gwcl=dict(type='GWCLLoss', loss_weight=0.1, decay=0.5),
    weights=dict(type='SelfInformationWeight', momentum=0.99),
)
contrast_hooks = [dict(type='DynamicWeightHook')]
