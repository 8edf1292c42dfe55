# Drawn on the spot, needs no files. Not flipped: these shells coil one way, as nearly all do.
_base_ = './few_shot.py'
train_dataloader = dict(
    dataset=dict(
        type='ProceduralShells',
        num_images=64,
        size=64,
        seed=0,
        pipeline=[dict(type='PackImages')]))
