# Negatives from the wavelet db2.
_base_ = '../fastgan_shells.py'
model = dict(contrast=dict(negatives=dict(wavelet='db2')))
