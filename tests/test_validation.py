"""Validation steers a training: the best checkpoint, and an early stop."""

import json

import pytest
from commands import CONFIGS

from mmfncontra.apis import prepare_config, run_training

SMALL = {
    'model.generator.base_channels': 4,
    'model.discriminator.base_channels': 4,
    'train_dataloader.dataset.num_images': 8,
    'train_dataloader.batch_size': 2,
    'train_cfg.val_interval': 1,
    'default_hooks.samples': None,
    'default_hooks.negatives': None,
    'default_hooks.curves': None,
    'default_hooks.doctor': None,
    'val_evaluator.metrics': [dict(type='ImageMetrics', values=['swd'], num_fake=4)],
}


def run(tmp_path, **options):
    path = CONFIGS / 'fastgan/fastgan_demo.py'
    return run_training(prepare_config(path, work_dir=tmp_path, cfg_options={**SMALL, **options}))


def values(tmp_path):
    cards = sorted((tmp_path / 'metrics').glob('*.json'))
    return {int(p.stem[5:]): json.loads(p.read_text())['metrics']['swd'] for p in cards}


def test_best_checkpoint(tmp_path):
    run(tmp_path, **{'train_cfg.max_iters': 3, 'default_hooks.checkpoint.save_best': 'swd',
                     'default_hooks.checkpoint.rule': 'less'})  # fmt: skip
    found = values(tmp_path)
    assert list(found) == [1, 2, 3]
    best = min(found, key=found.get)
    assert [p.name for p in tmp_path.glob('best_*')] == [f'best_swd_iter_{best}.pth']


def test_early_stop(tmp_path):
    stop = dict(
        type='EarlyStoppingHook',
        monitor='swd',
        rule='less',
        patience=1,
        min_delta=1e9,
        strict=False,
    )
    runner = run(tmp_path, **{'train_cfg.max_iters': 6, 'custom_hooks': [stop]})
    assert runner.iter < 6 and len(values(tmp_path)) < 6


def test_training_without_validation(tmp_path):
    none = dict.fromkeys(('val_cfg', 'val_dataloader', 'val_evaluator'))
    path = CONFIGS / 'fastgan/fastgan_demo.py'
    options = {k: v for k, v in SMALL.items() if not k.startswith('val_')} | none
    run_training(
        prepare_config(path, work_dir=tmp_path, cfg_options={**options, 'train_cfg.max_iters': 1})
    )
    assert not (tmp_path / 'metrics').exists()


def test_a_mistyped_metric_shows_before_training(tmp_path):
    with pytest.raises(ValueError, match=r'ImageMetric'):
        run(
            tmp_path,
            **{'train_cfg.max_iters': 1, 'val_evaluator.metrics': [dict(type='ImageMetric')]},
        )
