# Transfer learning from published weights: pass --cfg-options load_from=FILE. What makes the
# discriminator's four largest maps keeps its weights (FreezeD), and p follows overfitting sooner.
_base_ = './stylegan2-ada.py'
model = dict(
    # The width of the published networks.
    generator=dict(channel_multiplier=2),
    discriminator=dict(channel_multiplier=2),
    freeze_disc=4,
    augment=dict(ada_kimg=100),
)
# Of this width at every size.
by_size = {
    size: dict(
        model=dict(
            generator=dict(channel_multiplier=2), discriminator=dict(channel_multiplier=2)))
    for size in (64, 128, 256)
}
