"""Trainings of a few iterations of small networks."""

import json

from commands import CONFIGS

from mmfncontra.apis import prepare_config, run_training

SHORT = {
    'train_cfg.val_begin': 1000,  # validation has tests of its own
    'default_hooks.doctor': None,
    'train_dataloader.batch_size': 2,
    'default_hooks.logger.interval': 1,
    'default_hooks.samples.num_images': 2,
}
FASTGAN = {
    'model.generator.out_size': 64,
    'model.generator.base_channels': 4,
    'model.discriminator.in_size': 64,
    'model.discriminator.base_channels': 4,
    # LPIPS would need downloaded weights.
    'model.disc_auxiliary_losses.rec': dict(_delete_=True, type='WaveletL1Loss'),
}
STYLEGAN2 = {
    'model.generator.out_size': 8,
    'model.generator.style_channels': 8,
    'model.generator.num_mlps': 1,
    'model.discriminator.in_size': 8,
    'model.disc_auxiliary_losses.r1.interval': 2,
    'model.gen_auxiliary_losses.path.interval': 2,
}
ADA = {'model.augment.initial': 0.5, 'model.augment.interval': 1}
PROJECTED = {
    'model.generator.base_channels': 4,
    'model.discriminator.mix_channels': 4,
    'model.discriminator.feature_size': 64,
}
DCGAN = {'model.generator.base_channels': 32, 'model.discriminator.base_channels': 8}
SAGAN = {'model.generator.base_channels': 8, 'model.discriminator.base_channels': 8}


def train(config, work_dir, data, options, iterations, **arguments):
    options = {**SHORT, **options, 'train_cfg.max_iters': iterations}
    size = options.get('model.generator.out_size', 64)
    options['train_dataloader.dataset.size'] = size
    if data is None:
        options['train_dataloader.dataset'] = dict(
            _delete_=True,
            type='ProceduralShells',
            num_images=4,
            size=size,
            pipeline=[dict(type='PackImages')],
        )
    cfg = prepare_config(
        CONFIGS / f'{config}.py', work_dir=work_dir, data=data, cfg_options=options, **arguments
    )
    return run_training(cfg)


def logged(work_dir):
    """Values of each scalar over all runs, by name."""
    scalars = {}
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in file.read_text().splitlines():
            for name, value in json.loads(line).items():
                scalars.setdefault(name, []).append(value)
    return scalars
