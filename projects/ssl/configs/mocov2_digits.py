_base_ = ['./_base_/mocov2.py', './_base_/digits.py', './_base_/runtime.py']
