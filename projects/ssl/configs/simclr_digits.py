_base_ = ['./_base_/simclr.py', './_base_/digits.py', './_base_/runtime.py']
