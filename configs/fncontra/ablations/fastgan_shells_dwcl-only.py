# The generator's loss is left out.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(gwcl=None))
