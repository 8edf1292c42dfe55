_base_ = ['./_base_/simclr.py', './_base_/hats_shoes.py', './_base_/runtime.py']
