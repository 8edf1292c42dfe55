_base_ = ['esrgan.py', '_base_/contrast.py']

model = dict(type='ContrastiveESRGAN', contrast=_base_.contrast)
