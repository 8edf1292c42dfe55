# As fastgan.py, with a reconstruction loss whose weights come with the package stlpips-pytorch (the
# extra pretrained). AlexNet's trunk, since the narrow networks that a CPU trains take less time
# than their loss, and VGG16's takes five times the arithmetic; trunk='vgg' is nearer to the
# published loss. A distance without weights: rec=dict(_delete_=True, type='WaveletL1Loss').
_base_ = './fastgan.py'
model = dict(disc_auxiliary_losses=dict(rec=dict(variant='shift_tolerant', trunk='alex')))
