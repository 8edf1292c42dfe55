# One's own images: pass --data FOLDER (or a zip), or set data_root.
_base_ = './few_shot.py'
train_dataloader = dict(dataset=dict(data_root=None))
