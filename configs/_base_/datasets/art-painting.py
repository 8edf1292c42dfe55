# 1,000 paintings, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/art-painting', size=1024))
