# The generator halves its channels once more; so that the discriminator mirrors it, it starts
# with half of them.
_base_ = './dcgan_64.py'
model = dict(
    generator=dict(output_scale=128),
    discriminator=dict(input_scale=128, base_channels=64),
)
