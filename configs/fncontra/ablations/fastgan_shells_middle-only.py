# Only the middle negatives.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(difficulties=['middle']))
