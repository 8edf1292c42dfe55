_base_ = ['srgan.py', '_base_/contrast.py']

model = dict(type='ContrastiveSRGAN', contrast=_base_.contrast)
