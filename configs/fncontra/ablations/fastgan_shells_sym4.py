# Negatives from the wavelet sym4.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(negatives=dict(wavelet='sym4')))
