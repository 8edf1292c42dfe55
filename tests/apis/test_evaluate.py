import json
from collections import OrderedDict

import pytest
import torch
from commands import CONFIGS
from mmengine.registry import DefaultScope

from mmfncontra.apis import prepare_config, run_training
from mmfncontra.apis.evaluate import evaluate
from mmfncontra.evaluation.card import MetricCard
from mmfncontra.evaluation.features import FeatureExtractor
from mmfncontra.models.pretrained import weight_files

DEMO = CONFIGS / 'fastgan' / 'fastgan_demo.py'
METRICS = [dict(type='mmfncontra.ImageMetrics', num_fake=6)]
PLAIN = dict(device='cpu')


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('run') / 'work'
    options = {
        'model.generator.base_channels': 4,
        'model.discriminator.base_channels': 4,
        'train_dataloader.dataset.num_images': 8,
        'train_dataloader.batch_size': 2,
        'train_cfg.max_iters': 2,
        'train_cfg.val_begin': 9,
        'default_hooks.samples': None,
        'default_hooks.doctor': None,
    }
    run_training(prepare_config(DEMO, work_dir=work_dir, cfg_options=options))
    return work_dir / 'iter_2.pth'


def test_card_of_a_checkpoint(run):
    path = evaluate(run, metrics=METRICS, **PLAIN)
    assert path == run.with_name('iter_2_metrics.json')
    card = MetricCard.read(path)
    assert {'spectrum_distance', 'swd', 'copy_rate', 'diversity'} <= set(card.metrics)
    depends = card.depends['ImageMetrics']
    assert (depends['num_fake'], depends['size'], depends['ema']) == (6, 64, True)
    assert len(card.depends['run']['checkpoint_hash']) == 16 and card.iteration == 2
    again = evaluate(run, metrics=METRICS, **PLAIN, batch_size=4, out=run.with_name('b.json'))
    assert MetricCard.read(again).metrics == pytest.approx(card.metrics)


def test_metrics_of_several_precisions_get_images_each(run):
    metrics = [
        *METRICS,
        dict(type='mmfncontra.ImageMetrics', num_fake=4, precision='float16', prefix='low'),
    ]
    card = MetricCard.read(evaluate(run, metrics=metrics, **PLAIN, out=run.with_name('two.json')))
    alone = MetricCard.read(evaluate(run, metrics=METRICS, **PLAIN, out=run.with_name('one.json')))
    assert card.metrics['swd'] == alone.metrics['swd']
    assert 'low/swd' in card.metrics
    assert card.depends['ImageMetrics low']['precision'] == 'float16'


def test_needs_no_scope_of_a_training(run, monkeypatch):
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())  # as in a fresh process
    path = evaluate(run, metrics=METRICS, num=4, **PLAIN, out=run.with_name('fresh.json'))
    assert MetricCard.read(path).depends['ImageMetrics']['num_fake'] == 4


def test_offline_metrics_and_what_the_training_saw(run, tmp_path):
    pytest.importorskip('timm')
    lite = dict(
        type='mmfncontra.FeatureMetrics',
        extractor='efficientnet_lite0',
        values=['kid'],
        num_fake=2,
        cache_dir=None,
    )
    # The weights of a command are those of Inception.
    card = MetricCard.read(evaluate(run, metrics=[lite], weights='gone.pth', **PLAIN))
    assert list(card.metrics) == ['kid_lite0', 'kid_lite0_std'] and not card.warnings
    depends = card.depends['FeatureMetrics lite0']
    state = torch.load(run, weights_only=False)
    sha256 = FeatureExtractor('efficientnet_lite0').hash + '0' * 48
    digest = torch.tensor(list(bytes.fromhex(sha256)), dtype=torch.uint8)
    state['state_dict']['discriminator.backbone.weights_sha256'] = digest
    projected = tmp_path / 'projected.pth'
    torch.save(state, projected)
    config = next(run.parent.glob('*.py'))
    seen = MetricCard.read(evaluate(projected, config, metrics=[lite], **PLAIN))
    assert seen.depends['FeatureMetrics lite0'] == depends | dict(
        seen_in_training=['kid_lite0', 'kid_lite0_std']
    )
    assert 'which flatters it' in seen.warnings[0] and seen.metrics == card.metrics


def test_nothing_is_left_to_measure(run, monkeypatch):
    monkeypatch.setattr(weight_files, 'find_spec', lambda name: None)
    lite = dict(type='mmfncontra.FeatureMetrics', extractor='efficientnet_lite2')
    with pytest.raises(ImportError, match='pip install timm'):
        evaluate(run, metrics=[lite], **PLAIN)
    with pytest.raises(ValueError, match='no metric is left'):
        evaluate(run, metrics=[dict(lite, optional=True)], **PLAIN)


def test_weights_of_a_network_by_path(run):
    metrics = [dict(type='mmfncontra.FeatureMetrics'), *METRICS]
    with pytest.raises(FileNotFoundError, match=r'weights of inception: gone\.pth does not exist'):
        evaluate(run, metrics=metrics, weights='gone.pth', **PLAIN)


def test_refusals(run):
    with pytest.raises(ValueError, match='values must be some of'):
        evaluate(run, metrics=[{**METRICS[0], 'values': ['fid']}], **PLAIN)
    with pytest.raises(ValueError, match='truncation must be 1'):
        evaluate(run, metrics=METRICS, **PLAIN, truncation=0.5)
    with pytest.raises(ValueError, match='out must be a file'):
        evaluate(run, metrics=METRICS, **PLAIN, out=run.parent)
    with pytest.raises(ValueError, match='DiscriminatorView needs the model in training'):
        evaluate(run, metrics=[dict(type='mmfncontra.DiscriminatorView')], **PLAIN)


def test_what_is_not_finite_is_null(tmp_path):
    path = MetricCard(dict(fid=float('nan'), swd=1.0), dict(run={})).write(tmp_path / 'x.json')
    assert json.loads(path.read_text())['metrics'] == dict(fid=None, swd=1.0)
    assert str(MetricCard.read(path).metrics) == "{'fid': nan, 'swd': 1.0}"


def test_nothing_is_left_of_a_write(tmp_path):
    card = MetricCard(dict(fid=torch.tensor(1.0).item()), dict(run={}))
    card.write(tmp_path / 'deep' / 'card.json')
    assert [path.name for path in (tmp_path / 'deep').iterdir()] == ['card.json']
