# As fastgan.py, with a reconstruction loss whose weights come with the package stlpips-pytorch (the
# extra pretrained). AlexNet's trunk takes a quarter of the arithmetic of VGG16's, which would be
# most of a step of the narrow networks that a CPU trains; trunk='vgg' is nearer to the published
# loss. A distance without weights: rec=dict(_delete_=True, type='WaveletL1Loss').
_base_ = './fastgan.py'
model = dict(disc_auxiliary_losses=dict(rec=dict(variant='shift_tolerant', trunk='alex')))
