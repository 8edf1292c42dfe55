# As fastgan-dbig-chain.py, with the reconstruction loss of fastgan-offline.py.
_base_ = './fastgan-dbig-chain.py'
model = dict(disc_auxiliary_losses=dict(rec=dict(variant='shift_tolerant', trunk='alex')))
