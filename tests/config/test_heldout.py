from pathlib import Path

import pytest

from mmfncontra.apis import parse_options, prepare_config

CONFIG = Path(__file__).parents[2] / 'configs/fncontra/fastgan-offline_64.py'
HELDOUT = 'val_evaluator.metrics.2.heldout'


def prepare(folder, *options):
    return prepare_config(CONFIG, data=folder, cfg_options=parse_options(options))


def test_it_is_of_the_data_set_that_is_trained_on(tmp_path):
    cfg = prepare(tmp_path, 'train_dataloader.dataset.indices=80', f'{HELDOUT}.indices=-20')
    found = cfg.val_evaluator.metrics[2].heldout
    dataset = cfg.train_dataloader.dataset
    assert (found.pop('indices'), dataset.pop('indices')) == (-20, 80)
    assert 'pipeline' in dataset and 'pipeline' not in found
    assert found == {key: value for key, value in dataset.items() if key != 'pipeline'}
    assert found.data_root == str(tmp_path)


def test_another_one_stays_as_it_is(tmp_path):
    cfg = prepare(tmp_path, f'{HELDOUT}.type=ProceduralShells', f'{HELDOUT}.size=64')
    assert cfg.val_evaluator.metrics[2].heldout == dict(type='ProceduralShells', size=64)


OWN = 'train_dataloader.dataset.indices=5'


@pytest.mark.parametrize(
    'options',
    [[OWN, f'{HELDOUT}.size=64'], [OWN, f'{HELDOUT}.indices=5'], [f'{HELDOUT}.indices=-20']],
)
def test_images_that_are_trained_on_are_refused(tmp_path, options):
    with pytest.raises(
        ValueError, match=r'metrics\.2\.heldout would be the images that are trained'
    ):
        prepare(tmp_path, *options)


@pytest.mark.parametrize('metrics', ['swd', '[swd]'])
def test_what_is_no_metric_is_passed_over(tmp_path, metrics):
    cfg = prepare(tmp_path, f'val_evaluator.metrics={metrics}')
    assert 'swd' in cfg.val_evaluator.metrics
