# InfoNCE with other images as negatives beside an image's own degraded copies: those of the batch,
# and the last positives (without MoCo's second, slower encoder). Keep the queue far shorter than
# the data set: of N shuffled images about (queue / N)^2 / 2 find themselves in it, here 3 in 100.
_base_ = './fncontra.py'
contrast = dict(dwcl=dict(batch_negatives=True, queue_size=16))
