_base_ = ['./_base_/mocov2.py', './_base_/hats_shoes.py', './_base_/runtime.py']
