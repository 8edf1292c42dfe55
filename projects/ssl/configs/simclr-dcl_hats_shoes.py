_base_ = ['./simclr_hats_shoes.py', './_base_/contrast/dcl.py']
model = dict(type='ContrastSimCLR', **_base_.contrast)
