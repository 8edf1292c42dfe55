# 36 flat-coloured patterns, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/flat-colored', size=1024))
