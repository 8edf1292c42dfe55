_base_ = ['./mocov2_digits.py', './_base_/contrast/sscl.py']
model = dict(type='ContrastMoCo', **_base_.contrast)
