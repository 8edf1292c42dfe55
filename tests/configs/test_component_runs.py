"""A few iterations of every way to contrast on each baseline it has a config for."""

import itertools
import math

import pytest
import torch
from short_runs import CONFIGS, FASTGAN, PROJECTED, STYLEGAN2, logged, train

from mmfncontra.apis.catalogue import components
from mmfncontra.config.load import load_config

BASELINES = {
    'fastgan': FASTGAN,
    'projected': {
        **PROJECTED,
        'model.generator.out_size': 64,
        'model.discriminator.in_size': 64,
    },
    'stylegan2-ada': {
        **{key: value for key, value in STYLEGAN2.items() if 'auxiliary' not in key},
        # At 8 pixels there is nothing to blur.
        'model.generator.out_size': 16,
        'model.discriminator.in_size': 16,
        # Beside the contrast, and nothing new in it.
        'model.disc_auxiliary_losses': dict(_delete_=True),
        'model.gen_auxiliary_losses': dict(_delete_=True),
    },
}
# The configs of the listed components; FNContra's own are trained in test_runs.
CONTRASTS = sorted({choice.base for choice in components.CHOICES} - {'fncontra'})


def config_of(baseline, contrast):
    found = sorted(CONFIGS.glob(f'*/{baseline}-{contrast}_shells.py'))
    assert len(found) == 1, f'{contrast} has no config on {baseline}'
    return found[0]


def runs():
    """Every way on every baseline; on the third, those that differ most from one another."""
    for baseline, contrast in itertools.product(BASELINES, CONTRASTS):
        often = baseline != 'projected' or contrast in ('sscl', 'masking', 'pcl')
        marks = () if often else pytest.mark.slow
        yield pytest.param(baseline, contrast, marks=marks, id=f'{baseline}-{contrast}')


@pytest.mark.parametrize(('baseline', 'contrast'), runs())
def test_trains(baseline, contrast, tmp_path):
    config = config_of(baseline, contrast)
    options = {
        **BASELINES[baseline],
        'default_hooks.checkpoint': None,
        'default_hooks.samples': None,
        'default_hooks.curves': None,
        'train_dataloader.batch_size': 3,
    }
    negatives = load_config(config).model.contrast.negatives
    if 'LowPass' not in str(negatives):
        key = 'negatives.0' if isinstance(negatives, list) else 'negatives'
        options[f'model.contrast.{key}.levels'] = 3
    name = config.relative_to(CONFIGS).with_suffix('').as_posix()
    runner = train(name, tmp_path, None, options, 2)
    model = runner.model
    levels = model.contrast.levels
    parts = {type(module).__name__ for module in model.contrast.modules()}
    assert {choice.component for choice in components.CHOICES if choice.base == contrast} <= parts
    scalars = logged(tmp_path)
    wanted = {'loss_dwcl', 'loss_gwcl', 'loss_disc', 'loss_gen'}
    wanted |= {f'{kind}_{level}' for kind in ('weight', 'similarity') for level in levels}
    assert wanted <= set(scalars)
    for key in wanted:
        assert len(scalars[key]) == 2 and all(map(math.isfinite, scalars[key])), key
    projector = model.discriminator.head.projector
    moments = runner.optim_wrapper['discriminator'].optimizer.state
    moved = [moments[p]['exp_avg'].abs().sum() for p in projector.parameters()]
    assert all(0 < float(each) < math.inf for each in moved)
    if model.contrast.queue is not None:
        filled = model.contrast.queue.embeddings.abs().sum(dim=1) > 0
        assert filled.sum() == min(6, len(filled)) and filled[: int(filled.sum())].all()
    assert (tmp_path / 'negatives.png').stat().st_size > 0
    assert torch.isfinite(model.contrast.similarity).all()


@pytest.mark.parametrize('contrast', CONTRASTS)
@pytest.mark.parametrize('baseline', BASELINES)
def test_is_three_lines_over_the_baseline(baseline, contrast):
    lines = config_of(baseline, contrast).read_text().splitlines()
    assert len(lines) == 3 and f'../{baseline}/{baseline}_shells.py' in lines[0]
