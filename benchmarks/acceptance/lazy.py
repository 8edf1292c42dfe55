"""What the penalties of StyleGAN2 cost that are due every few iterations only."""

import statistics
from functools import partial

from training_step import Step, seconds, use_the_machine, wait_for

from . import measure
from .run import Run

# Iterations at which path length is due, and R1 too.
_DUE = dict(plain=1, path_length=4, path_length_and_r1=16)
SMALL = {
    'model.generator.out_size': 8,
    'model.generator.style_channels': 8,
    'model.generator.num_mlps': 1,
    'model.discriminator.in_size': 8,
    'model.contrast.negatives.levels': 2,
}


def check(run: Run) -> None:
    """Time steps of StyleGAN2-ADA with FNContra, without and with penalties."""
    use_the_machine()
    config = f'configs/fncontra/stylegan2-ada_{64 if run.dry else 256}.py'
    options = {'model.accelerate': None, 'model.channels_last': False}
    batch = 2 if run.dry else 8
    step = Step(config, batch, run.device, changes={**options, **(SMALL if run.dry else {})})
    for name, iteration in _DUE.items():
        work = partial(step, iteration)
        for _ in range(0 if run.dry else 2):
            work()
        wait_for(run.device)
        times = [1000 * seconds(work, run.device) for _ in range(1 if run.dry else 3)]
        run.emit(
            step=name,
            batch=batch,
            ms=round(statistics.median(times), 2),
            least_ms=round(min(times), 2),
        )
    # Afterwards, for launches may take longer then; of a CPU's step it takes seconds.
    for name in ('plain',) if run.dry else _DUE:
        work = partial(step, _DUE[name])
        run.emit(step=name, batch=batch, **measure.profile(work, run.device))
