# As fastgan_shells.py, with LeCam regularisation.
_base_ = '../fastgan/fastgan_shells.py'
model = dict(disc_auxiliary_losses=dict(lecam=dict(type='LeCamLoss', loss_weight=0.3)))
