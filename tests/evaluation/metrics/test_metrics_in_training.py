"""Metrics on mmagic's loops, in a training of the toy GAN."""

import json

import numpy as np
import pytest
import torch
from commands import CONFIGS

from mmfncontra.apis import prepare_config, run_training
from mmfncontra.config.load import load_config
from mmfncontra.evaluation.card import MetricCard
from mmfncontra.models.pretrained import weight_files
from mmfncontra.registry import METRICS

CONFIG = """
_base_ = ['{root}/_base_/models/fastgan_64.py', '{root}/_base_/datasets/procedural_shells.py',
          '{root}/_base_/schedules/fastgan_50k.py', '{root}/_base_/default_runtime.py']
model = dict(
    generator=dict(base_channels=4, noise_size=16),
    discriminator=dict(base_channels=4),
    disc_auxiliary_losses=dict(rec=dict(_delete_=True, type='WaveletL1Loss')))
train_dataloader = dict(batch_size=4, dataset=dict(num_images=8))
train_cfg = dict(max_iters=2, val_interval=1)
default_hooks = dict(
    checkpoint=dict(interval=2), logger=dict(interval=1), samples=None, negatives=None, curves=None,
    doctor=None)
val_evaluator = dict(_delete_=True, metrics={metrics})
"""
IMAGES = [
    dict(type='ImageMetrics', num_fake=20),
    dict(
        type='DiscriminatorView',
        num_fake=4,
        heldout=dict(type='ProceduralShells', num_images=3, size=64, seed=1),
    ),
]


@pytest.fixture
def config(tmp_path):
    def write(metrics):
        path = tmp_path / 'toy.py'
        path.write_text(CONFIG.format(root=CONFIGS, metrics=metrics))
        return path

    return write


def test_cards_of_a_training(config, tmp_path):
    run_training(prepare_config(config(IMAGES), work_dir=tmp_path / 'run', seed=0))
    paths = sorted((tmp_path / 'run' / 'metrics').glob('*.json'))
    assert [path.stem for path in paths] == ['iter_000001', 'iter_000002']
    card = MetricCard.read(paths[-1])
    assert {'spectrum_distance', 'subband_HH_1', 'swd', 'copy_rate', 'diversity', 'r_t_clean',
            'heldout_gap'} <= set(card.metrics)  # fmt: skip
    assert all(np.isfinite(value) for value in card.metrics.values())
    depends = card.depends['ImageMetrics']
    assert (depends['num_fake'], depends['num_real'], depends['ema']) == (20, 8, True)
    assert card.depends['run']['seed'] == 0 and 'torch' in card.depends['run']['versions']
    assert len(card.curves['spectrum_fake']) == 33
    assert (tmp_path / 'run' / 'metrics' / 'iter_000002_neighbours.png').is_file()
    scalars = [
        json.loads(line)
        for path in (tmp_path / 'run').glob('*/vis_data/scalars.json')
        for line in path.read_text().splitlines()
    ]
    assert any('swd' in record for record in scalars)


def test_training_is_the_same_without_validation(config, tmp_path):
    states = []
    for name, interval in (('with', 1), ('without', 100)):
        cfg = prepare_config(
            config(IMAGES),
            work_dir=tmp_path / name,
            seed=0,
            cfg_options={'train_cfg.val_interval': interval, 'train_cfg.val_begin': interval},
        )
        states.append(run_training(cfg).model.state_dict())
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_feature_metrics(config, tmp_path, inception_file):
    metrics = [
        dict(
            type='FeatureMetrics',
            values=['fid', 'kid', 'inception_score', 'precision_recall', 'density_coverage'],
            num_fake=6,
            weights=str(inception_file),
            cache_dir=str(tmp_path / 'cache'),
        )
    ]
    cfg = prepare_config(
        config(metrics), work_dir=tmp_path / 'run', cfg_options={'train_cfg.val_begin': 2}
    )
    run_training(cfg)
    card = MetricCard.read(tmp_path / 'run' / 'metrics' / 'iter_000002.json')
    assert {'fid', 'kid_mean', 'inception_score', 'precision', 'coverage'} <= set(card.metrics)
    assert card.depends['FeatureMetrics']['extractor'] == 'inception'
    assert len(list((tmp_path / 'cache').glob('*.npz'))) == 1


def test_a_training_does_without_an_extra_that_is_not_installed(config, tmp_path, monkeypatch):
    monkeypatch.setattr(weight_files, 'find_spec', lambda name: None)
    metrics = [
        dict(type='ImageMetrics', values=['swd'], num_fake=4),
        dict(type='FeatureMetrics', extractor='efficientnet_lite2', optional=True, values=['fd']),
    ]
    cfg = prepare_config(config(metrics), work_dir=tmp_path / 'run')
    cfg.train_cfg.val_begin = 2
    run_training(cfg)
    (log,) = (tmp_path / 'run').glob('*/*.log')
    (line,) = (line for line in log.read_text().splitlines() if 'efficientnet_lite2: ' in line)
    assert 'WARNING - nothing is measured with efficientnet_lite2' in line
    assert 'pip install timm' in line
    card = MetricCard.read(tmp_path / 'run' / 'metrics' / 'iter_000002.json')
    assert list(card.metrics) == ['swd']


def test_the_defaults_measure_offline(default_scope):
    """What default_runtime.py names is built, and nothing of it is loaded before it is used."""
    pytest.importorskip('timm')
    cfg = load_config(CONFIGS / 'fastgan' / 'fastgan-offline_64.py')
    (metric,) = (METRICS.build(m) for m in cfg.val_evaluator.metrics if 'Feature' in m['type'])
    assert metric.group == 'FeatureMetrics lite2' and metric._extractor._network is None
    names = metric.value_names()
    assert {'fd_lite2', 'kid_lite2', 'recall_lite2', 'coverage_lite2', 'copy_rate_lite2'} < set(
        names
    )
    # One set of images serves all.
    modes = {METRICS.build(m).SAMPLER_MODE for m in cfg.val_evaluator.metrics}
    assert len(modes) == 1 and metric.num_fake == cfg.val_evaluator.metrics[0]['num_fake']
    assert [m.get('extractor') for m in cfg.test_evaluator.metrics][:2] == [
        None,
        'efficientnet_lite2',
    ]
