_base_ = ['./mocov2_hats_shoes.py', './_base_/contrast/sscl.py']
model = dict(type='ContrastMoCo', **_base_.contrast)
