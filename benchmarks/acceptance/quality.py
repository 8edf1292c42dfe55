"""What some seconds of training come to, of baselines and of FNContra over them."""

from collections.abc import Sequence
from pathlib import Path

from . import scripts
from .packages import missing
from .run import Run
from .trainings import Training, compare

# Wider than the demo, which is made for a CPU, and with its images doubled.
_WIDE = [
    'model.generator.base_channels=32',
    'model.generator.noise_size=256',
    'model.discriminator.base_channels=32',
    'model.ema_config.momentum=0.001',
    'optim_wrapper.generator.optimizer.lr=2e-4',
    'optim_wrapper.discriminator.optimizer.lr=2e-4',
    'train_dataloader.dataset.num_images=64',
]
_TINY = ['model.generator.base_channels=4', 'model.discriminator.base_channels=4']
_TINY += ['train_dataloader.dataset.num_images=8']
_TINY_PROJECTED = [
    'model.generator.base_channels=4',
    'model.discriminator.mix_channels=4',
    'model.discriminator.feature_size=64',
    'train_dataloader.batch_size=2',
]
_PROJECTED = {
    'projected': 'configs/projected/projected.py',
    'projected-fncontra': 'configs/fncontra/projected.py',
}


def check(run: Run) -> None:
    """Train all on drawn shells of 64 pixels."""
    trainings = [
        Training(name, [f'configs/{name}/fastgan_demo.py'], _TINY if run.dry else _WIDE)
        for name in ('fastgan', 'fncontra')
    ]
    if lacking := missing(0):
        run.emit(family='projected', skipped=lacking)
    else:
        shells = run.work / 'shells'
        scripts.in_a_fork(lambda: _draw(shells, 8 if run.dry else 64))
        # They coil one way: as above, none is flipped.
        trainings += projected(run, shells, 64, ['train_dataloader.dataset.pipeline.0.prob=0.0'])
    # Afterwards they are saved, measured and drawn.
    compare(
        run, trainings, lambda: 0.5 if run.dry else round(max(10.0, min(55.0, run.left - 55)), 1)
    )


def projected(
    run: Run, images: Path, size: int, options: Sequence[str] = (), **facts: str
) -> list[Training]:
    """Trainings of a projected GAN as published, and of FNContra over it.

    Args:
        run: The check.
        images: Folder of images.
        size: Their side in pixels.
        options: Changes to the configs.
        **facts: What the lines say besides.
    """
    options = [*options, *(_TINY_PROJECTED if run.dry else ())]
    return [
        Training(family, [config, '--data', images, '--size', size], options, facts)
        for family, config in _PROJECTED.items()
    ]


def _draw(folder: Path, number: int) -> None:
    """Write the shells of the demo as files."""
    import cv2

    from mmfncontra.datasets import ProceduralShells

    folder.mkdir()
    shells = ProceduralShells(number, size=64, families=['scallop', 'turret'])
    for i, shell in enumerate(shells):
        cv2.imwrite(str(folder / f'{i:02}.png'), shell['img'][..., ::-1])
