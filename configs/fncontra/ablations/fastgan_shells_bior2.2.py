# Negatives from the wavelet bior2.2.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(negatives=dict(wavelet='bior2.2')))
