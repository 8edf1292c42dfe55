# 100-shot Wuzhen, 256².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/wuzhen'))
