contrast = dict(objective=dict(type='mmfncontra.DCL'))
