# 100-shot Temple of Heaven, 256².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/temple-of-heaven'))
