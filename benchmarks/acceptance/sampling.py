"""Samples and their metrics."""

import json

from . import scripts
from .run import Run


def check(run: Run) -> None:
    """Time 5,000 images with FID, KID, precision and recall, whose network has random weights."""
    images, real = (8, 4) if run.dry else (5000, 100)
    small = ['--size', 64, '--num', 4, '--base-channels', 4, '--runs', 1]
    large = ['--size', 256, '--num', 128, '--runs', 2]
    output = run.work / 'sampling.txt'
    code = scripts.run(
        'benchmarks/sampling.py',
        *(small if run.dry else large),
        *('--device', run.device, '--evaluate', images, '--real', real, '--json'),
        output=output,
    )
    text = output.read_text(encoding='utf-8')
    print(text)
    if code:
        run.emit(exit_code=code, fine=False, error=text[-300:])
        return
    found = json.loads(text.splitlines()[-1])
    run.emit(
        images=images,
        real=real,
        seconds_with_metrics=round(found['evaluation_seconds'], 2),
        one_by_one_over_batches=round(found['one_by_one_over_batches'], 2),
        seconds=found['seconds'],
    )
