# 64 photographs of shells, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/shells', size=1024))
