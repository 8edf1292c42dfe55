_base_ = ['./simclr_digits.py', './_base_/contrast/masking_mixing.py']
model = dict(type='ContrastSimCLR', **_base_.contrast)
