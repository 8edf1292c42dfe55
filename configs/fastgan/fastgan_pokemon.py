_base_ = [
    '../_base_/models/fastgan_1024.py',
    '../_base_/datasets/pokemon.py',
    '../_base_/schedules/fastgan_100k.py',
    '../_base_/default_runtime.py',
]
