_base_ = './sagan_64.py'
model = dict(
    generator=dict(output_scale=128),
    discriminator=dict(input_scale=128, attention_after_nth_block=2),
)
