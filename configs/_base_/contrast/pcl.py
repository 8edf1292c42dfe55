# The frequency-space samples of PCL-SR: blurred copies as negatives, a sharpened one as positive.
# Widths are in pixels: at 512 and 1024 pixels scale them with the images.
_base_ = './fncontra.py'
contrast = dict(
    negatives=dict(_delete_=True, type='LowPassNegatives', num=3, sigma=(0.8, 3.0)),
    view=dict(_delete_=True, type='HighBoostView', amount=(0.5, 2.0)),
)
