# As fastgan.py --size 256.
_base_ = './fastgan.py'
