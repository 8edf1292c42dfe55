# 124 Fauvist still lifes, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/fauvism-still-life', size=1024))
