_base_ = [
    '../_base_/models/stylegan2-ada.py',
    '../_base_/datasets/animalface-cat.py',
    '../_base_/schedules/stylegan2_50k.py',
    '../_base_/default_runtime.py',
]
