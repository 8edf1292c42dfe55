_base_ = [
    '../_base_/models/fastgan.py',
    '../_base_/datasets/obama.py',
    '../_base_/schedules/fastgan_50k.py',
    '../_base_/default_runtime.py',
]
