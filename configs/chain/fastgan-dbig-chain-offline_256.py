# As fastgan-dbig-chain_256.py, with a reconstruction loss that needs no downloaded weights.
_base_ = './fastgan-dbig-chain_256.py'
model = dict(disc_auxiliary_losses=dict(rec=dict(_delete_=True, type='WaveletL1Loss')))
