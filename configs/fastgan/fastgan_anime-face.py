_base_ = [
    '../_base_/models/fastgan_512.py',
    '../_base_/datasets/anime-face.py',
    '../_base_/schedules/fastgan_50k.py',
    '../_base_/default_runtime.py',
]
