_base_ = ['./simclr_hats_shoes.py', './_base_/contrast/masking_mixing.py']
model = dict(type='ContrastSimCLR', **_base_.contrast)
