# 100-shot grumpy cat, 256².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/grumpy-cat'))
