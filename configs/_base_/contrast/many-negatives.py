# InfoNCE with other images as negatives beside an image's own degraded copies: those of the batch,
# and the last 32 positives. Keep the queue shorter than the data set: an image is no negative of
# itself.
_base_ = './fncontra.py'
contrast = dict(dwcl=dict(batch_negatives=True, queue_size=32))
