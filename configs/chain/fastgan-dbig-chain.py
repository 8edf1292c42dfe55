# As fastgan-dbig.py, with CHAIN in its residual blocks. offset=0.1 is for some 150 images
# or fewer, for more it is 0.
_base_ = './fastgan-dbig.py'
model = dict(regularisers=dict(chain=dict(type='CHAIN', offset=0.1)))
