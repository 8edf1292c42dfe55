"""Folders that look like those of trainings."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

CONFIG = """\
model = dict(type='LimitedDataGAN')
randomness = dict(diff_rank_seed=True, seed={seed})
train_cfg = dict(max_iters=600)
train_dataloader = dict(batch_size={batch_size})
work_dir = '{work_dir}'
"""

LOG = """\
2025/01/01 00:00:00 - mmengine - INFO -
------------------------------------------------------------
System environment:
    Python: 3.11.7
    PyTorch: 2.11.0
    PyTorch compiling details: PyTorch built with:
  - GCC 13.3

Runtime environment:
    seed: {seed}
------------------------------------------------------------
2025/01/01 00:00:01 - mmengine - INFO - Config:
    not: environment
"""


def write_picture(path: Path, seed: int = 0, width: int = 40, height: int = 40) -> Path:
    """Blobs of colour as a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


def write_card(work_dir: Path, iteration: int, num_fake: int = 64, **metrics: float) -> Path:
    frequency = [i / 32 for i in range(17)]
    card = dict(
        version=1,
        iteration=iteration,
        metrics=metrics,
        depends=dict(images=dict(num_fake=num_fake, size=64), run=dict(ema=True)),
        curves=dict(
            frequency=frequency,
            spectrum_real=[60 - 80 * f for f in frequency],
            spectrum_fake=[58 - 2e4 / (iteration + 200) * f for f in frequency],
        ),
        warnings=['FID of 64 images is biased'] if iteration == 600 else [],
    )
    path = work_dir / 'metrics' / f'iter_{iteration:06d}.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(card))
    return path


def write_run(
    work_dir: Path,
    seed: int = 0,
    iterations: tuple[int, ...] = (0, 200, 400, 600),
    batch_size: int = 8,
) -> Path:
    """A whole run of 600 iterations: its best swd is at 400, its doctor sees overfitting."""
    rng = np.random.default_rng(seed)
    for iteration in iterations:
        write_picture(work_dir / 'samples' / f'iter_{iteration:06d}.png', seed + iteration)
    write_picture(work_dir / 'negatives.png', seed)
    write_picture(work_dir / 'metrics' / 'iter_000400_neighbours.png', seed, 80, 160)
    for iteration, swd in {200: 30.0, 400: 10.0, 600: 20.0}.items():
        write_card(work_dir, iteration, swd=swd + seed, copy_rate=0.25, subband_HH1=1.5)
    folder = work_dir / f'2025010{1 + seed % 9}_000000'
    (folder / 'vis_data').mkdir(parents=True)
    records = [
        dict(
            loss_disc=2 - step / 600 + rng.normal(0, 0.1),
            loss_gen=1 + rng.normal(0, 0.1),
            loss_dwcl=0.7,
            weight_easy=0.3,
            similarity_easy=0.8,
            r_t=step / 600,
            p_ada=step / 2000,
            iter=step,
            step=step,
        )
        for step in range(20, 601, 20)
    ]
    lines = ''.join(json.dumps(record) + '\n' for record in records)
    (folder / 'vis_data' / 'scalars.json').write_text(lines)
    (folder / f'{folder.name}.log').write_text(LOG.format(seed=seed))
    text = CONFIG.format(seed=seed, batch_size=batch_size, work_dir=work_dir.as_posix())
    (work_dir / 'config.py').write_text(text)
    verdicts = [
        dict(iteration=200, verdict='healthy', message='All is well.', advice=''),
        dict(iteration=400, verdict='overfitting', message='r_t is 0.7.', advice='Raise p_ada.'),
        dict(iteration=600, verdict='overfitting', message='r_t is 0.9.', advice='Raise p_ada.'),
    ]
    (work_dir / 'doctor.json').write_text(json.dumps(verdicts))
    return work_dir
