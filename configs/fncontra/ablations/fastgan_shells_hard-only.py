# Only the hard negatives.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(difficulties=['hard']))
