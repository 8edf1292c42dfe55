"""A work dir that an older version left: it still loads, resumes and reports.

``older_runs/fastgan-ada_shells`` was written by version 0.1.0 before its modules moved to the rooms
they are in now: FNContra on FastGAN with ADA, trained for four iterations, with the checkpoint
after two of them, what was logged, the pictures and a metric card.
"""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from mmfncontra.apis import load_generator, prepare_config, run_training, sample_images
from mmfncontra.visualization.report.report import write_report

WRITTEN = Path(__file__).parent / 'older_runs/fastgan-ada_shells'
TIMES = {'data_time', 'time'}


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return shutil.copytree(WRITTEN, tmp_path / WRITTEN.name)


def _logged(work_dir: Path) -> dict[int, dict[str, float]]:
    """The losses and scalars of the last run in a work dir, by iteration."""
    *_, newest = sorted(work_dir.glob('*/vis_data/scalars.json'))
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    return {line['step']: line for line in lines if 'iter' in line}


def test_it_goes_on_as_the_older_version_did(work_dir):
    config = work_dir / f'{work_dir.name}.py'
    run_training(prepare_config(config, work_dir=work_dir, resume='auto'))
    older, newer = _logged(WRITTEN), _logged(work_dir)
    assert list(newer) == [3, 4]
    for step, scalars in newer.items():
        assert scalars.keys() - TIMES == older[step].keys() - TIMES
        for name in scalars.keys() - TIMES:
            # The older one ran on another processor.
            assert scalars[name] == pytest.approx(older[step][name], rel=2e-3, abs=1e-4), name


def test_images_are_drawn_from_its_checkpoint(work_dir):
    generator = load_generator(work_dir / 'iter_2.pth')
    images = sample_images(generator, 2, seed=0)
    assert images.shape == (2, 64, 64, 3) and images.std() > 0


def test_its_checkpoint_holds_every_weight(work_dir):
    cfg = prepare_config(work_dir / f'{work_dir.name}.py', work_dir=work_dir)
    cfg.train_cfg.max_iters = 1
    runner = run_training(cfg)
    saved = torch.load(WRITTEN / 'iter_2.pth', weights_only=True)['state_dict']
    assert runner.model.state_dict().keys() == saved.keys()


def test_its_report_is_written(work_dir):
    page = write_report([work_dir]).read_text(encoding='utf-8')
    text = ' '.join(re.sub(r'<[^>]*>', ' ', page).split())
    for shown in (
        'iterations 4 of 4',
        'best swd 0.296 at 4',
        'Cosine similarity',
        'iteration 4 (2',
    ):
        assert shown in text
    assert page.count('data:image/') >= 2  # the pictures of two iterations
