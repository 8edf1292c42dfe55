_base_ = './stylegan2_50k.py'
train_cfg = dict(max_iters=100_000)
