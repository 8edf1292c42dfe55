# Drawn on the spot, needs no files.
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(type='ProceduralShells', num_images=64, seed=0))
