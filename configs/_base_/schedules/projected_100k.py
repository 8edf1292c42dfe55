_base_ = './projected_50k.py'
train_cfg = dict(max_iters=100_000)
