# 160 cat faces of AnimalFace, 256².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/animalface-cat'))
