from pathlib import Path

import pytest
import toy_gan  # noqa: F401
from mmengine.config import Config
from toy_config import FOLDER, TEXT, WRAPPED, write_toy_config

from mmfncontra.apis import apply_overrides, parse_options, prepare_config

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture
def cfg():
    text = TEXT + "\nempty = dict()\nmodel['empty'] = dict()\nmodel['augment'] = None\n"
    return Config.fromstring(text.replace("imports=['toy_gan']", 'imports=[]'), '.py')


def test_words_become_values():
    assert parse_options(
        ['a.b=20', 'c=0.5', 'd=true', 'e=None', 'f=(0.5,0.9)', 'g=x=y', 'h=[1,a]']
    ) == {'a.b': 20, 'c': 0.5, 'd': True, 'e': None, 'f': (0.5, 0.9), 'g': 'x=y', 'h': [1, 'a']}


@pytest.mark.parametrize(
    ('word', 'value'),
    [
        ('a=/my photos/x.pth', '/my photos/x.pth'),
        ('a="/a,b (1).pth"', '/a,b (1).pth'),
        ("a='it, too'", 'it, too'),
        ('a= 0.5', 0.5),
        ('a="12"', 12),
        ('a=(1, 2)', (1, 2)),
        ('a=', ''),
    ],
)
def test_names_with_spaces_and_commas(word, value):
    assert parse_options([word]) == {'a': value}


@pytest.mark.parametrize('word', ['train_cfg.max_iters', '=1', 'a=(1,2'])
def test_words_that_are_none(word):
    with pytest.raises(ValueError, match='--cfg-options'):
        parse_options([word])


def test_components_by_names_of_ones_own(cfg):
    cfg.model.disc_auxiliary_losses = dict(rec=dict(type='WaveletL1Loss'))
    apply_overrides(cfg, {'model.disc_auxiliary_losses.r1.type': 'R1Penalty'})
    assert cfg.model.disc_auxiliary_losses.r1 == dict(type='R1Penalty')
    assert cfg.model.disc_auxiliary_losses.rec == dict(type='WaveletL1Loss')


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('train_cfg.max_iters', 20),  # there
        ('train_cfg.val_interval', 5),  # read by the loop
        ('train_dataloader.pin_memory', True),  # read by the data loader
        ('train_dataloader.dataset.size', 16),  # an argument of the component
        ('model.slope', 0.3),
        ('model.init_cfg', None),  # an argument of the component's base
        ('model.generator.noisy', True),
        ('optim_wrapper.generator.optimizer.eps', 1e-6),  # an argument of torch's Adam
        ('optim_wrapper.generator.clip_grad.max_norm', 1.0),
        ('default_hooks.checkpoint.max_keep_ckpts', 2),
        ('randomness.deterministic', True),
        ('env_cfg.dist_cfg.backend', 'gloo'),  # in a section the config lacks
        ('load_from', 'a.pth'),
        ('model.empty.anything', 1),  # an empty section is free
    ],
)
def test_taken(cfg, key, value):
    apply_overrides(cfg, {key: value})
    node = cfg
    for part in key.split('.'):
        node = node[part]
    assert node == value


@pytest.mark.parametrize(
    ('key', 'value', 'said'),
    [
        ('train_cfg.max_iter', 20, r'did you mean train_cfg\.max_iters'),
        ('trian_cfg.max_iters', 20, 'did you mean train_cfg'),
        ('train_dataloader.batchsize', 2, r'did you mean train_dataloader\.batch_size'),
        ('train_dataloader.dataset.sise', 2, r'did you mean train_dataloader\.dataset\.size'),
        ('model.slop', 0.3, r'did you mean model\.slope'),
        ('model.generator.widht', 3, r'did you mean model\.generator\.width'),
        ('model.generater.width', 3, r'did you mean model\.generator'),
        ('optim_wrapper.generater.optimizer.lr', 1, r'did you mean optim_wrapper\.generator'),
        ('optim_wrapper.generator.optimizer.learning_rate', 1, 'there are .*lr'),
        ('default_hooks.checkpiont.interval', 1, r'did you mean default_hooks\.checkpoint'),
        ('randomness.sead', 1, r'did you mean randomness\.seed'),
        ('env_cfg.dist_cfg.backand', 'gloo', r'did you mean env_cfg\.dist_cfg\.backend'),
        ('adam.lr', 1.0, 'nothing reads adam'),  # a variable, used up when the config was read
        ('empty.x', 1, 'did you mean model.empty'),
        ('model.augment.policy', 'color', r'model\.augment is None in this config'),
        ('train_cfg.max_iters.x', 1, r'train_cfg\.max_iters is 4'),
        ('train_cfg.max_iters', 'many', "'many' cannot replace 4"),
    ],
)
def test_refused(cfg, key, value, said):
    before = cfg.pretty_text
    with pytest.raises(ValueError, match=said) as raised:
        apply_overrides(cfg, {key: value})
    assert f'--cfg-options {key}: ' in str(raised.value)
    assert cfg.pretty_text == before


def test_lists(cfg):
    cfg.custom_hooks = [dict(type='EmptyCacheHook', after_iter=False)]
    apply_overrides(cfg, {'custom_hooks.0.after_iter': True})
    assert cfg.custom_hooks[0].after_iter is True
    with pytest.raises(ValueError, match=r'custom_hooks\.0\.after_iter'):
        apply_overrides(cfg, {'custom_hooks.0.afteriter': True})
    for index in ('1', 'x'):
        with pytest.raises(ValueError, match=r'custom_hooks is a list of 1'):
            apply_overrides(cfg, {f'custom_hooks.{index}.after_iter': True})


def test_amp(toy_config):
    cfg = prepare_config(toy_config, amp=True)
    for name in ('generator', 'discriminator'):
        assert cfg.optim_wrapper[name].type == 'mmfncontra.AutocastOptimWrapper'
    assert cfg.optim_wrapper.constructor == 'MultiOptimWrapperConstructor'


@pytest.mark.parametrize('config', ['stylegan2-ada_64', 'fastgan_64'])
def test_what_amp_does_not_reach_is_said(config, tmp_path, capsys):
    """Blocks of mmagic's StyleGAN2 leave autocast, and nobody would notice."""
    prepare_config(CONFIGS / 'fncontra' / f'{config}.py', amp=True, data=tmp_path)
    said = capsys.readouterr().err.splitlines()
    if config.startswith('fastgan'):
        assert not said
        return
    for part, line in zip(('generator', 'discriminator'), said, strict=True):
        assert line.startswith(f'warning: --amp leaves model.{part} in float32')
        assert f'model.{part}.num_fp16_scales=4' in line


def test_amp_replaces_plain_wrappers_only(tmp_path):
    path = write_toy_config(tmp_path, **{"type='OptimWrapper'": "type='AmpOptimWrapper'"})
    with pytest.raises(ValueError, match=r'optim_wrapper\.discriminator is a AmpOptimWrapper'):
        prepare_config(path, amp=True)


@pytest.mark.parametrize('replaced', [FOLDER, WRAPPED], ids=['plain', 'wrapped'])
def test_data(tmp_path, replaced):
    path = write_toy_config(tmp_path, **replaced)
    dataset = prepare_config(path, data=tmp_path).train_dataloader.dataset
    assert dataset.get('dataset', dataset).data_root == str(tmp_path)
    with pytest.raises(ValueError, match='needs a folder of images: pass --data FOLDER'):
        prepare_config(path)
    with pytest.raises(FileNotFoundError, match=r'--data .*: there is no folder or zip at /.*nowh'):
        prepare_config(path, data=tmp_path / 'nowhere')


def test_a_config_whose_images_are_missing(tmp_path):
    path = write_toy_config(
        tmp_path, **{"dict(type='ToyDrawings')": "dict(type='ToyImages', data_root='data/moons')"}
    )
    with pytest.raises(
        FileNotFoundError,
        match=r'at /.*/data/moons: .*\(docs/datasets\.md says .*\) or pass --data FOLDER',
    ):
        prepare_config(path)


def test_data_for_a_dataset_that_reads_none(toy_config, tmp_path):
    with pytest.raises(ValueError, match=r'reads no folder \(ToyDrawings\)'):
        prepare_config(toy_config, data=tmp_path)
