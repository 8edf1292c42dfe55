# As projected.py --size 256.
_base_ = './projected.py'
