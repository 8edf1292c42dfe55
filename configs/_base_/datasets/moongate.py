# 136 photographs of moon gates, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/moongate', size=1024))
