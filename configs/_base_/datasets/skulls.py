# 97 pictures of skulls, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/skulls', size=1024))
