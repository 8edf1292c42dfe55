# As stylegan2-ada_shells.py, with LeCam regularisation at the weight it is published with for
# StyleGAN2.
_base_ = '../stylegan2-ada/stylegan2-ada_shells.py'
model = dict(disc_auxiliary_losses=dict(lecam=dict(type='LeCamLoss', loss_weight=3e-7)))
