"""A training against a frozen network: resumed to the bit, and with no other network."""

import json

import pytest
import torch
from commands import CONFIGS
from deep_equality import differences

from mmfncontra.apis import load_checkpoint_file, prepare_config, run_training
from mmfncontra.launch.command import run_command
from mmfncontra.models.pretrained import weight_files

pytest.importorskip('timm', reason='the extra pretrained is not installed')
CONFIG = CONFIGS / 'fncontra/projected-cpu_64.py'
# FNContra has its head around the discriminator, whose backbone keeps nothing else.
SHA256 = 'discriminator.backbone.backbone.weights_sha256'
OPTIONS = {
    'model.generator.base_channels': 4,
    'model.discriminator.mix_channels': 4,
    'model.discriminator.feature_size': 64,
    'train_dataloader.batch_size': 2,
    'train_cfg.val_interval': 2,
    'default_hooks.checkpoint.interval': 1,
    'default_hooks.doctor': None,
    'default_hooks.samples': None,
    'default_hooks.negatives': None,
    'default_hooks.curves': None,
    'val_evaluator': dict(
        metrics=[
            dict(type='FeatureMetrics', extractor=f'efficientnet_{short}', values=['fd'])
            | dict(num_fake=4)
            for short in ('lite0', 'lite2')
        ]
    ),
}


def train(images, work_dir, iterations, resume=None, **options):
    options = {**OPTIONS, 'train_cfg.max_iters': iterations, **options}
    return run_training(
        prepare_config(CONFIG, work_dir=work_dir, data=images, cfg_options=options, resume=resume)
    )


@pytest.fixture(scope='module')
def whole(images, tmp_path_factory):
    """Folder of a training of two iterations, with a checkpoint after each."""
    folder = tmp_path_factory.mktemp('projected')
    train(images, folder, 2)
    return folder


@pytest.fixture(scope='module')
def foreign(whole):
    """A checkpoint of it, as if another file of the backbone's weights had been there."""
    checkpoint = torch.load(whole / 'iter_1.pth', weights_only=False)
    checkpoint['state_dict'][SHA256] ^= 1
    torch.save(checkpoint, whole / 'foreign.pth')
    return whole / 'foreign.pth'


def test_resumed_it_is_the_training_that_was_not_left(images, whole, tmp_path):
    train(images, tmp_path, 2, resume=whole / 'iter_1.pth')
    one, other = (load_checkpoint_file(folder / 'iter_2.pth') for folder in (whole, tmp_path))
    for key in ('state_dict', 'optimizer', 'ranks'):
        assert differences(one[key], other[key]) == []
    names = set(one['state_dict'])
    assert {name for name in names if '.backbone.backbone.' in name} == {SHA256}


@pytest.mark.parametrize('how', ['resume', 'load_from'])
def test_another_backbone_is_refused(images, foreign, how, tmp_path):
    given = dict(resume=foreign) if how == 'resume' else dict(load_from=str(foreign))
    with pytest.raises(
        ValueError,
        match=r'trained with weights of tf_efficientnet_lite0 whose SHA-256 begins with \w{16}; '
        r'those found here begin with \w{16}: name the file it was trained with',
    ):
        train(images, tmp_path, 2, **given)


def test_values_in_the_features_it_trains_against_are_marked(whole):
    card = json.loads((whole / 'metrics' / 'iter_000002.json').read_text())
    assert card['metrics'].keys() == {'fd_lite0', 'fd_lite2'}
    seen = {name: facts.get('seen_in_training') for name, facts in card['depends'].items()}
    assert 'fd_lite0' in seen['FeatureMetrics lite0']
    assert seen['FeatureMetrics lite2'] is None


def test_a_package_that_is_missing_is_a_sentence(images, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(weight_files, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit) as left:
        run_command(lambda: train(images, tmp_path, 1))
    assert left.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith('error: ') and 'pip install timm, or the extra pretrained' in said
