# As fastgan-offline_64.py, with LeCam regularisation.
_base_ = '../fastgan/fastgan-offline_64.py'
model = dict(disc_auxiliary_losses=dict(lecam=dict(type='LeCamLoss', loss_weight=0.3)))
