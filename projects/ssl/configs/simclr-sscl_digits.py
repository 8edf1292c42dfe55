_base_ = ['./simclr_digits.py', './_base_/contrast/sscl.py']
model = dict(type='ContrastSimCLR', **_base_.contrast)
