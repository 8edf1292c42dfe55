# 120 anime faces, 512².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/anime-face', size=512))
