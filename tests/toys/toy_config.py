"""A config of the toy GAN as a file."""

from pathlib import Path

TEXT = """
default_scope = 'mmfncontra'
custom_imports = dict(imports=['toy_gan'])
adam = dict(type='Adam', lr=1e-3, betas=(0.5, 0.9))
model = dict(
    type='ToyGAN',
    generator=dict(type='ToyGenerator', width=4),
    discriminator=dict(type='ToyDiscriminator'))
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='ToyDrawings'))
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(optimizer=adam),
    discriminator=dict(type='OptimWrapper', optimizer=adam))
train_cfg = dict(type='ResumableIterTrainLoop', max_iters=4)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=2),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')
randomness = dict(seed=0, diff_rank_seed=True)
"""
# In place of its data set: images of a folder; those within a wrapper.
FOLDER = {"dataset=dict(type='ToyDrawings')": "dataset=dict(type='ToyImages', data_root=None)"}
WRAPPED = {
    "dataset=dict(type='ToyDrawings')": "dataset=dict(type='RepeatDataset', times=2, "
    "dataset=dict(type='ToyImages', data_root=None))"
}


def write_toy_config(folder: Path, **replaced: str) -> Path:
    """Write the config as ``toy.py``; ``replaced`` maps old text to new."""
    text = TEXT
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / 'toy.py'
    path.write_text(text)
    return path
