# As fastgan-dbig_shells.py, with CHAIN in its residual blocks.
_base_ = './fastgan-dbig_shells.py'
model = dict(regularisers=dict(chain=dict(type='CHAIN', offset=0.1)))
