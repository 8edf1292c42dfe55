# Transfer learning from published weights: pass --cfg-options load_from=FILE. What makes the
# discriminator's four largest maps keeps its weights (FreezeD), and p follows overfitting sooner.
_base_ = './stylegan2-ada_256.py'
model = dict(freeze_disc=4, augment=dict(ada_kimg=100))
