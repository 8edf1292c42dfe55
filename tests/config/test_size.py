from pathlib import Path

import pytest
from mmengine.config import Config

from mmfncontra.config.load import load_config
from mmfncontra.config.size import read_size, size_options

CONFIGS = Path(__file__).parents[2] / 'configs'
WRAPPED = """
model = dict(generator=dict(output_scale=64), discriminator=dict(input_scale=64))
folder = dict(type='Images', size=64)
train_dataloader = dict(
    dataset=dict(datasets=[folder, dict(type='RepeatDataset', dataset=folder)]))
val_dataloader = dict(dataset=folder)
test_dataloader = dict(batch_size=1)
val_cfg = test_cfg = val_evaluator = test_evaluator = dict()
"""


def test_one_number_sets_networks_and_images():
    options = size_options(load_config(CONFIGS / 'fncontra/fastgan.py'), '64')
    assert options == {
        'model.generator.out_size': 64,
        'model.discriminator.in_size': 64,
        'train_dataloader.dataset.size': 64,
        'train_cfg.max_iters': 50_000,
    }


def test_what_depends_on_the_size_follows_it():
    options = size_options(load_config(CONFIGS / 'stylegan2-ada/stylegan2-ada.py'), 1024)
    assert options['model.discriminator.channel_multiplier'] == 2
    assert options['model.disc_auxiliary_losses.r1.gamma'] == pytest.approx(26.2144)
    assert options['train_cfg.max_iters'] == 100_000


OWN = """
_base_ = ['{configs}/stylegan2-ada/stylegan2-ada.py']
model = dict(discriminator=dict(channel_multiplier=2), disc_auxiliary_losses=dict(_delete_=True))
train_cfg = dict(max_iters=20_000)
"""


def test_what_a_config_of_ones_own_says_stands(tmp_path):
    (tmp_path / 'own.py').write_text(OWN.format(configs=CONFIGS))
    options = size_options(load_config(tmp_path / 'own.py'), 1024)
    assert options == {
        'model.generator.out_size': 1024,
        'model.generator.channel_multiplier': 2,
        'model.discriminator.in_size': 1024,
        'train_dataloader.dataset.size': 1024,
    }


def test_data_sets_inside_wrappers_and_of_validation():
    assert size_options(Config.fromstring(WRAPPED, '.py'), 96) == {
        'model.generator.output_scale': 96,
        'model.discriminator.input_scale': 96,
        'train_dataloader.dataset.datasets.0.size': 96,
        'train_dataloader.dataset.datasets.1.dataset.size': 96,
        'val_dataloader.dataset.size': 96,
    }


def test_no_size_changes_nothing():
    assert size_options(load_config(CONFIGS / 'fastgan/fastgan.py'), None) == {}


@pytest.mark.parametrize(
    ('size', 'said'),
    [
        ('256x128', r'^--size 256x128: images must be square as yet; .* such as --size 256$'),
        ('256×128', '^--size 256×128: images must be square'),
        ('96', '^--size 96: this config is for 64, 128, 256, 512, 1024$'),
        *(
            (wrong, '^--size must be a positive integer, got')
            for wrong in ('0', '-64', '6e1', '', 0.5, True)
        ),
    ],
)
def test_refuses(size, said):
    with pytest.raises(ValueError, match=said):
        size_options(load_config(CONFIGS / 'fastgan/fastgan.py'), size)


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('model = None', '^model must be a dict'),
        ('train_dataloader = None', '^train_dataloader must be a dict'),
        ('by_size = [64, 128]', '^by_size must be changes by side in pixels'),
        ("by_size = {'64': {}}", '^by_size must be changes by side in pixels'),
        ('by_size = {64: 3}', '^by_size must be changes by side in pixels'),
    ],
)
def test_a_config_with_wrong_values(text, said):
    with pytest.raises(ValueError, match=said):
        size_options(Config.fromstring(f'{WRAPPED}\n{text}', '.py'), 64)


@pytest.mark.parametrize(
    ('old', 'new', 'said'),
    [
        ('output_scale=64', 'width=3', r'no model\.generator\.out_size, which --size sets'),
        ('generator=dict(output_scale=64), ', '', r'names no size in model\.generator to set'),
        ('size=64', 'side=64', r'names no size in train_dataloader\.dataset to set'),
    ],
)
def test_a_config_without_sizes(old, new, said):
    with pytest.raises(ValueError, match=said):
        size_options(Config.fromstring(WRAPPED.replace(old, new), '.py'), 64)


def test_reads_what_a_command_line_gives():
    assert read_size('64') == read_size(64) == 64
