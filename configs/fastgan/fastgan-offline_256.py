# As fastgan-offline.py --size 256.
_base_ = './fastgan-offline.py'
