"""Every config loads, fits together and builds its model."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope

import mmfncontra.models.gans
from mmfncontra.registry import DATASETS, HOOKS, MODELS
from mmfncontra.utils import prepare_mmagic

prepare_mmagic()
ROOT = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted(p for p in ROOT.rglob('*.py') if '_base_' not in p.parts)
NAMES = [str(p.relative_to(ROOT)) for p in CONFIGS]
assert mmfncontra.models.gans


@pytest.fixture(scope='module')
def vgg_hub(tmp_path_factory):
    """A torch hub folder with seeded stand-ins for the ImageNet weights of VGG16."""
    from torchvision.models import VGG16_Weights, vgg16

    hub = tmp_path_factory.mktemp('hub')
    state = {k: v for k, v in vgg16(weights=None).state_dict().items() if k.startswith('features')}
    (hub / 'checkpoints').mkdir()
    torch.save(state, hub / 'checkpoints' / VGG16_Weights.IMAGENET1K_V1.url.rsplit('/', 1)[-1])
    return hub


@pytest.fixture(autouse=True)
def _scope(monkeypatch, vgg_hub):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(vgg_hub))
    init_default_scope('mmfncontra')
    yield
    DefaultScope._instance_dict.clear()


def load(name):
    return Config.fromfile(ROOT / name)


def test_the_sets_and_sizes_are_all_there():
    sets = [
        *('shells', 'skulls', 'moongate', 'flat-colored', 'fauvism-still-life', 'art-painting'),
        *('anime-face', 'pokemon', 'obama', 'grumpy-cat', 'panda', 'bridge-of-sighs'),
        *('medici-fountain', 'temple-of-heaven', 'wuzhen', 'animalface-cat', 'animalface-dog'),
    ]
    wanted = [f'fastgan_{name}' for name in (*sets, 'demo')]
    wanted += [f'{name}_{s}' for s in (64, 128, 256, 512, 1024) for name in
               ('fastgan', 'fastgan-offline')]  # fmt: skip
    for folder in ('fastgan', 'fncontra'):
        assert {Path(n).stem for n in NAMES if Path(n).parent == Path(folder)} == set(wanted)
    ablations = {Path(n).stem for n in NAMES if 'ablations' in n}
    for part in ('fixed-weight', 'dwcl-only', 'gwcl-only', 'easy-only', 'middle-only', 'hard-only',
                 'db2', 'sym4', 'bior2.2'):  # fmt: skip
        assert f'fastgan_shells_{part}' in ablations


@pytest.mark.parametrize('name', NAMES)
def test_parts_are_registered_and_sizes_agree(name):
    cfg = load(name)
    dataset = cfg.train_dataloader.dataset
    assert cfg.model.generator.out_size == cfg.model.discriminator.in_size == dataset.size
    assert DATASETS.get(dataset.type) is not None
    for hook in (*cfg.default_hooks.values(), *cfg.custom_hooks):
        assert HOOKS.get(hook.type) is not None, hook.type
    assert ('contrast' in cfg.model) == name.startswith('fncontra')


@pytest.mark.parametrize('name', [n for n in NAMES if Path(n).parent == Path('fncontra')])
def test_fncontra_is_its_baseline_plus_one_base(name):
    lines = (ROOT / name).read_text().splitlines()
    assert lines == [
        f"_base_ = ['../fastgan/{Path(name).name}', '../_base_/contrast/fncontra.py']",
        'model = dict(contrast=_base_.contrast)',
        'custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]',
    ]


def models():
    """One config for each different model: the data sets share theirs."""
    different = {}
    for name in NAMES:
        different.setdefault(repr(load(name).model.to_dict()), name)
    return sorted(different.values())


@pytest.mark.parametrize('name', models())
def test_model_builds(name):
    cfg = load(name)
    model = MODELS.build(cfg.model)
    assert type(model).__name__ == 'LimitedDataGAN'
    assert (model.contrast is not None) == name.startswith('fncontra')
    assert model.with_ema_gen
    if model.contrast is not None:
        assert hasattr(model.discriminator, 'head')


def test_ablations_change_what_they_say():
    def contrast(part):
        cfg = load(f'fncontra/ablations/fastgan_shells_{part}.py')
        return cfg.model.contrast, [hook.type for hook in cfg.custom_hooks]

    full = load('fncontra/fastgan_shells.py')
    assert 'DynamicWeightHook' in [hook.type for hook in full.custom_hooks]
    assert 'DynamicWeightHook' not in contrast('fixed-weight')[1]
    assert contrast('dwcl-only')[0].gwcl is None and contrast('dwcl-only')[0].dwcl is not None
    assert contrast('gwcl-only')[0].dwcl is None and contrast('gwcl-only')[0].gwcl is not None
    for level in ('easy', 'middle', 'hard'):
        assert contrast(f'{level}-only')[0].difficulties == [level]
    for wavelet in ('db2', 'sym4', 'bior2.2'):
        assert contrast(wavelet)[0].negatives.wavelet == wavelet
