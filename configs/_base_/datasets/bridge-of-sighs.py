# 100-shot Bridge of Sighs, 256².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/bridge-of-sighs'))
