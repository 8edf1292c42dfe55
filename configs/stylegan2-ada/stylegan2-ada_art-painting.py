_base_ = [
    '../_base_/models/stylegan2-ada_1024.py',
    '../_base_/datasets/art-painting.py',
    '../_base_/schedules/stylegan2_100k.py',
    '../_base_/default_runtime.py',
]
