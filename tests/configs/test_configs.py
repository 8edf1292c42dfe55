"""Every config loads, fits together and builds its model."""

import copy
import functools
import inspect
import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmfncontra.models.gans
from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.config.size import set_size
from mmfncontra.registry import DATASETS, HOOKS, MODELS

prepare_mmagic()
ROOT = Path(__file__).parents[2] / 'configs'
NAMES = sorted(
    p.relative_to(ROOT).as_posix() for p in ROOT.rglob('*.py') if '_base_' not in p.parts
)
assert mmfncontra.models.gans

SETS = (
    *('shells', 'skulls', 'moongate', 'flat-colored', 'fauvism-still-life', 'art-painting'),
    *('anime-face', 'pokemon', 'obama', 'grumpy-cat', 'panda', 'bridge-of-sighs'),
    *('medici-fountain', 'temple-of-heaven', 'wuzhen', 'animalface-cat', 'animalface-dog'),
)
SIZES = (64, 128, 256, 512, 1024)
# What each folder of baselines has: suffixes by the stem before them; none for a folder of images
# of any size.
BASELINES = {
    'fastgan': {'fastgan': ('', *SETS, 64, 256, 'demo'), 'fastgan-offline': ('', 64, 256)},
    'fastgan-ada': {'fastgan-ada': ('', 'shells', 64)},
    'stylegan2-ada': {'stylegan2-ada': ('', *SETS, 64, 256), 'stylegan2-ada-freezed': (256,)},
    'stylegan2-diffaug': {'stylegan2-diffaug': ('', 'shells')},
    'dcgan': {'dcgan': ('',)},
    'sagan': {'sagan': ('',), 'sagan-cond': (64,)},
    'lecam': {
        'fastgan-lecam': ('shells',),
        'fastgan-lecam-offline': (64,),
        'stylegan2-ada-lecam': ('shells',),
    },
    'apa': {'fastgan-apa': ('shells',), 'fastgan-apa-offline': (64,), 'stylegan2-apa': ('shells',)},
    'nice': {
        'fastgan-nice': ('shells',),
        'fastgan-nice-offline': (64,),
        'stylegan2-ada-nice': ('shells',),
    },
    'projected': {
        'projected': ('', *SETS, 256, 512, 1024, 'photos', 'demo'),
        'projected-cpu': (64,),
        'projected-stylegan2': ('',),
    },
    'chain': {
        'fastgan-dbig': ('', 'shells'),
        'fastgan-dbig-chain': ('', 'shells'),
        'fastgan-dbig-chain-offline': ('',),
    },
}
FOLDERS = {
    f'{stem}_{suffix}'.rstrip('_'): folder
    for folder, stems in BASELINES.items()
    for stem, suffixes in stems.items()
    for suffix in suffixes
}
# Other ways to contrast than FNContra's, by what their configs are called.
CONTRASTS = {
    'many-negatives': 'many-negatives',
    'dcl': 'dcl',
    'dclw': 'dcl',
    'debiased': 'debiased',
    'sscl': 'sscl',
    'masking': 'masking-mixing',
    'mixing': 'masking-mixing',
    'pcl': 'pcl',
}
ABLATIONS = (
    *('fixed-weight', 'dwcl-only', 'gwcl-only', 'easy-only', 'middle-only', 'hard-only'),
    *('db2', 'sym4', 'bior2.2'),
)
# What of a model may differ from size to size.
SIZE_KEYS = {
    *('generator.out_size', 'generator.output_scale', 'generator.channel_multiplier'),
    *('discriminator.in_size', 'discriminator.input_scale', 'discriminator.channel_multiplier'),
    'disc_auxiliary_losses.r1.gamma',
}
# The first is what the second is but for these keys, those below them included.
CHANGES = [
    ('fastgan-offline_64', 'fastgan_64', {'model.disc_auxiliary_losses.rec'}),
    ('fastgan-ada_shells', 'fastgan_shells', {'model.augment'}),
    ('fastgan-lecam_shells', 'fastgan_shells', {'model.disc_auxiliary_losses.lecam'}),
    ('fastgan-apa_shells', 'fastgan_shells', {'model.pseudo_real'}),
    ('fastgan-nice_shells', 'fastgan_shells', {'model.regularisers'}),
    (
        'fastgan-dbig_shells',
        'fastgan_shells',
        {'model.discriminator.type', 'model.adversarial_loss.margin', 'model.generator.small'},
    ),
    ('fastgan-dbig-chain_shells', 'fastgan-dbig_shells', {'model.regularisers'}),
    (
        'fastgan-dbig-chain-offline',
        'fastgan-dbig-chain',
        {'model.disc_auxiliary_losses.rec'},
    ),
    (
        'stylegan2-ada_shells',
        'fastgan_shells',
        {'model', 'optim_wrapper', 'by_size'},
    ),
    (
        'stylegan2-ada-freezed_256',
        'stylegan2-ada',
        {
            'model.freeze_disc',
            'model.augment.ada_kimg',
            'model.generator.channel_multiplier',
            'model.discriminator.channel_multiplier',
            'by_size',
        },
    ),
    (
        'projected_shells',
        'fastgan_shells',
        {
            *('model', 'train_dataloader.batch_size'),
            'optim_wrapper.generator.optimizer.betas',
            'optim_wrapper.discriminator.optimizer.betas',
        },
    ),
    ('stylegan2-diffaug_shells', 'stylegan2-ada_shells', {'model.augment'}),
    ('stylegan2-apa_shells', 'stylegan2-ada_shells', {'model.augment', 'model.pseudo_real'}),
    ('stylegan2-ada-lecam_shells', 'stylegan2-ada_shells', {'model.disc_auxiliary_losses.lecam'}),
    ('stylegan2-ada-nice_shells', 'stylegan2-ada_shells', {'model.regularisers'}),
    (
        'sagan-cond_64',
        'sagan',
        {
            *('model.generator.num_classes', 'model.generator.use_cbn'),
            'model.discriminator.num_classes',
            *('train_dataloader.dataset.num_classes', 'train_dataloader.dataset.pipeline'),
        },
    ),
]


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
def _scope(monkeypatch, vgg_hub, default_scope):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(vgg_hub))


@functools.cache
def load(name):
    """A config, to be read only: reading one takes a tenth of a second."""
    return Config.fromfile(ROOT / name)


def baseline(stem, size=None):
    cfg = load(f'{FOLDERS[stem]}/{stem}.py')
    if size is not None:
        cfg = copy.deepcopy(cfg)
        set_size(cfg, size)
    return cfg


def flat(node, prefix=''):
    """Leaves by dotted key."""
    if not isinstance(node, dict) or not node:
        return {prefix[:-1]: node}
    return {k: v for key, child in node.items() for k, v in flat(child, f'{prefix}{key}.').items()}


def changed(one, other):
    one, other, absent = flat(one), flat(other), object()
    return {key for key in {*one, *other} if one.get(key, absent) != other.get(key, absent)}


def test_the_sets_and_sizes_are_all_there():
    wanted = {f'{folder}/{stem}.py' for stem, folder in FOLDERS.items()}
    wanted |= {f'fncontra/{stem}.py' for stem in FOLDERS}
    wanted |= {f'fncontra/ablations/fastgan_shells_{part}.py' for part in ABLATIONS}
    wanted |= {
        f'{folder}/{baseline}-{contrast}_shells.py'
        for contrast, folder in CONTRASTS.items()
        for baseline in ('fastgan', 'stylegan2-ada', 'projected')
    }
    assert set(NAMES) == wanted


@pytest.mark.parametrize('name', NAMES)
def test_parts_are_registered_and_sizes_agree(name):
    cfg = load(name)
    model, dataset = cfg.model, cfg.train_dataloader.dataset
    sizes = {dataset.size}
    for network, keys in (
        (model.generator, ('out_size', 'output_scale')),
        (model.discriminator, ('in_size', 'input_scale')),
    ):
        found = {network[key] for key in keys if key in network}
        assert len(found) == 1
        sizes |= found
    assert len(sizes) == 1
    *_, suffix = Path(name).stem.split('_')
    assert not suffix.isdigit() or sizes == {int(suffix)}
    component = DATASETS.get(dataset.type)
    assert set(dataset) - {'type'} <= set(inspect.signature(component).parameters)
    for hook in (*cfg.default_hooks.values(), *cfg.custom_hooks):
        assert HOOKS.get(hook.type) is not None, hook.type
    folder = name.partition('/')[0]
    assert ('contrast' in model) == (folder in {'fncontra', *CONTRASTS.values()})


@pytest.mark.parametrize('stem', FOLDERS)
def test_fncontra_is_its_baseline_plus_one_base(stem):
    lines = (ROOT / f'fncontra/{stem}.py').read_text().splitlines()
    assert lines == [
        f"_base_ = ['../{FOLDERS[stem]}/{stem}.py', '../_base_/contrast/fncontra.py']",
        'model = dict(contrast=_base_.contrast)',
        'custom_hooks = [*_base_.custom_hooks, *_base_.contrast_hooks]',
    ]


@pytest.mark.parametrize(('stem', 'over', 'keys'), CHANGES)
def test_a_config_changes_what_it_says(stem, over, keys):
    found = changed(baseline(stem)._cfg_dict, baseline(over)._cfg_dict)
    assert {k for k in found if not any(f'{k}.'.startswith(f'{key}.') for key in keys)} == set()
    assert all(any(f'{k}.'.startswith(f'{key}.') for k in found) for key in keys)


@pytest.mark.parametrize('stem', [stem for stem in FOLDERS if '_' not in stem])
def test_a_recipe_is_one_model_in_several_sizes(stem):
    cfg = baseline(stem)
    first, *others = [baseline(stem, size) for size in cfg.by_size]
    allowed = SIZE_KEYS | {
        'dcgan': {'discriminator.base_channels'},
        'sagan': {'discriminator.attention_after_nth_block'},
    }.get(stem, set())
    for other in others:
        assert changed(first.model, other.model) <= allowed
    assert list(cfg.by_size) == ([64, 128] if stem in ('dcgan', 'sagan') else list(SIZES))
    own = baseline(stem, cfg.train_dataloader.dataset.size)
    assert changed(own._cfg_dict, cfg._cfg_dict) == set()


@pytest.mark.parametrize(
    'stem',
    [s for s in FOLDERS if s.rpartition('_')[2].isdigit() and s.rpartition('_')[0] in FOLDERS],
)
def test_a_size_in_the_name_is_what_the_option_sets(stem):
    recipe, _, size = stem.rpartition('_')
    assert changed(baseline(recipe, size)._cfg_dict, baseline(stem)._cfg_dict) == set()


@pytest.mark.parametrize('stem', ['fastgan', 'stylegan2-ada', 'projected'])
@pytest.mark.parametrize('suffix', SETS)
def test_a_data_set_has_the_model_of_its_size(stem, suffix):
    cfg = baseline(f'{stem}_{suffix}')
    size = cfg.train_dataloader.dataset.get('size', 256)
    assert changed(baseline(stem, size).model, cfg.model) == set()


@pytest.mark.parametrize('suffix', SETS)
def test_a_data_set_is_trained_alike_with_both_generators(suffix):
    one, other = baseline(f'fastgan_{suffix}'), baseline(f'stylegan2-ada_{suffix}')
    assert one.train_dataloader == other.train_dataloader
    assert one.train_cfg == other.train_cfg
    assert one.model.generator.out_size == other.model.generator.out_size


@pytest.mark.parametrize('size', SIZES)
def test_stylegan2_follows_the_rules_of_ada(size):
    cfg = baseline('stylegan2-ada', size)
    model, batch = cfg.model, cfg.train_dataloader.batch_size
    assert model.disc_auxiliary_losses.r1.gamma == pytest.approx(0.0002 * size**2 / batch)
    assert model.ema_config.half_life_kimg == pytest.approx(batch * 10 / 32)
    for network in (model.generator, model.discriminator):
        assert network.channel_multiplier == (1 if size < 512 else 2)
    for network, k in (
        ('generator', model.gen_auxiliary_losses.path.interval),
        ('discriminator', model.disc_auxiliary_losses.r1.interval),
    ):
        optimizer, c = cfg.optim_wrapper[network].optimizer, k / (k + 1)
        assert optimizer.lr == pytest.approx(0.0025 * c)
        assert optimizer.betas == pytest.approx((0.0**c, 0.99**c))
        assert all(type(beta) is float for beta in optimizer.betas)


@pytest.mark.parametrize('stem', ['projected-cpu_64', 'projected_photos'])
@pytest.mark.parametrize('size', [64, 128, 256])
def test_a_cpu_sees_images_whole_and_trains_no_longer_for_their_size(stem, size):
    cfg, own = baseline(stem, size), baseline(stem)
    assert cfg.model.discriminator.feature_size == cfg.model.generator.out_size == size
    assert cfg.train_cfg == own.train_cfg


def test_stylegan2_differs_from_fastgan_in_its_base():
    one, other = (
        (ROOT / f'fncontra/{stem}_shells.py').read_text().splitlines()
        for stem in ('fastgan', 'stylegan2-ada')
    )
    different = [line for line, mirror in zip(one, other, strict=True) if line != mirror]
    assert len(different) == 1 and different[0].startswith('_base_ = ')


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


def kinds():
    """A config of each family, and those that are no mere sizes of another."""
    first = {stem.partition('_')[0]: stem for stem in reversed(FOLDERS)}
    stems = [*first.values(), 'fastgan_demo']
    return [
        *(f'{folder}/{stem}.py' for stem in stems for folder in (FOLDERS[stem], 'fncontra')),
        *(f'fncontra/ablations/fastgan_shells_{part}.py' for part in ABLATIONS),
    ]


def shrink(model, lpips):
    """Make the networks of a model small; with ``lpips`` what else it has stays as it is."""
    generator, discriminator = model.generator, model.discriminator
    if generator.type == 'StyleGAN2Generator':
        # Of 16² there are maps of 16², 8² and 4² only, the last three that images of 1024² have.
        if 'freeze_disc' in model:
            model.freeze_disc -= 2
        if 'nice' in model.get('regularisers', {}):
            layers = model.regularisers.nice.layers
            layers[:] = [f'convs.{int(layer.rpartition(".")[2]) - 6}' for layer in layers]
        generator.update(out_size=16, style_channels=16, num_mlps=1)
        discriminator.update(in_size=16)
    elif generator.type == 'FastGANLiteGenerator':
        generator.update(out_size=64, base_channels=4)
    elif generator.type == 'FastGANGenerator':
        generator.update(out_size=64, base_channels=4)
        discriminator.update(in_size=64, base_channels=4)
        if not lpips:
            model.disc_auxiliary_losses.rec = dict(type='WaveletL1Loss')
    else:
        generator.base_channels //= 8
        discriminator.base_channels //= 8
    if discriminator.type == 'ProjectedDiscriminator':
        size = max(64, generator.out_size)
        generator.out_size = size
        discriminator.update(in_size=size, mix_channels=4, feature_size=64)


@pytest.mark.parametrize('name', kinds())
def test_model_builds(name):
    cfg = copy.deepcopy(load(name).model)
    shrink(cfg, lpips=name.endswith('/fastgan_shells.py'))  # VGG takes a second to build
    model = MODELS.build(cfg)
    assert type(model).__name__ == 'LimitedDataGAN'
    assert (model.contrast is not None) == name.startswith('fncontra')
    assert model.with_ema_gen
    assert model.num_classes == (2 if 'cond' in name else 0)
    if model.contrast is not None:
        assert hasattr(model.discriminator, 'head')
    if 'freezed' in name:
        frozen = {
            key.removeprefix('backbone.').rpartition('convs.')[2].partition('.')[0]
            for key, p in model.discriminator.named_parameters()
            if not p.requires_grad
        }
        assert frozen == {'0', '1'}


def test_nice_names_the_deepest_layers_of_stylegan2():
    model = baseline('stylegan2-ada-nice_shells').model
    blocks = 1 + int(math.log2(model.discriminator.in_size / 4))  # a map of each side, to 4
    assert model.regularisers.nice.layers == [f'convs.{i}' for i in range(blocks - 3, blocks)]
