# As fastgan-dbig-chain.py, with a reconstruction loss that needs no downloaded weights.
_base_ = './fastgan-dbig-chain.py'
model = dict(disc_auxiliary_losses=dict(rec=dict(_delete_=True, type='WaveletL1Loss')))
