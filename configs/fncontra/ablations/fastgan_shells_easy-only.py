# Only the easy negatives.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(difficulties=['easy']))
