# The discriminator's loss is left out, and with it the embeddings that the weights follow.
_base_ = './fastgan_shells_fixed-weight.py'
model = dict(contrast=dict(dwcl=None))
