# 833 drawings of Pokémon, 1024².
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root='data/pokemon', size=1024))
