"""Each in a fresh process: what is imported when depends on what was imported before."""

import json

import pytest
from commands import run_python

PREPARE = 'from mmfncontra.utils import prepare_mmagic; prepare_mmagic()\n'
# As mmagic is without this: the same preparation, less the lightening.
PLAIN = (
    'from mmfncontra.compat import prepare_mmagic as prepare\n'
    'prepare.lighten_mmagic = prepare.lighten_mmengine = lambda: None\n'
)
DESCRIBE = """
import json, sys
from mmengine.registry import MODELS, OPTIMIZERS, Registry
MODELS.get('mmagic.NoSuchModel')
import mmagic.registry, mmengine.optim
out = {}
for name, registry in vars(mmagic.registry).items():
    if isinstance(registry, Registry):
        registry.get('NoSuchName')
        out[name] = sorted(f'{k} {v.__module__}' for k, v in registry.module_dict.items())
out['optimisers'] = sorted(OPTIMIZERS.module_dict)
for name in ('models', 'models.editors', 'models.archs', 'models.losses', 'evaluation',
             'evaluation.metrics', 'datasets', 'datasets.transforms'):
    module = __import__(f'mmagic.{name}', fromlist=['x'])
    out[name] = sorted(f'{k} {type(v).__name__} {getattr(v, "__module__", None)}'
                       for k, v in vars(module).items() if not k.startswith('__'))
json.dump(out, sys.stdout)
"""


def run(code):
    done = run_python('-c', code)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_whole_mmagic_is_what_it_was():
    found, expected = (json.loads(run(code + PREPARE + DESCRIBE)) for code in ('', PLAIN))
    assert found.keys() == expected.keys()
    for name in expected:
        assert len(found[name]) == len(expected[name]), name
        differ = set(found[name]) ^ set(expected[name])
        # Ours are a registry's class, and Adafactor, which is imported later.
        assert all('Registry' in line or 'Adafactor' in line for line in differ), differ
    assert len(expected['MODELS']) > 300 and 'Adafactor' in found['optimisers']


@pytest.mark.slow
@pytest.mark.parametrize(
    'use',
    [
        "MODELS.build(dict(type='mmagic.StyleGAN2Generator', out_size=8, style_channels=8))",
        "MODELS.build(dict(type='SNGANGenerator', _scope_='mmagic', output_scale=32, "
        'use_cbn=False, base_channels=4))',
        'from mmagic.evaluation.metrics import niqe, psnr; psnr.__name__, niqe.__name__',
    ],
)
def test_parts_of_mmagic_as_first_use(use):
    run(f'{PREPARE}from mmengine.registry import METRICS, MODELS, TRANSFORMS\n{use}\n')


@pytest.mark.parametrize('before', [True, pytest.param(False, marks=pytest.mark.slow)])
def test_others_get_the_real_packages(before):
    own = 'import diffusers, transformers, scipy.signal, albumentations\n'
    use = """
assert diffusers.UNet2DModel.__module__.startswith('diffusers')
assert transformers.CLIPTextConfig().hidden_size
assert scipy.signal.convolve([1.0], [2.0]) == [2.0]
import scipy.signal.windows
from scipy.signal import get_window
assert albumentations.Blur
"""
    gans = 'import mmfncontra.models.gans\n'
    run((own + gans if before else gans + own) + use)


def test_adafactor_is_that_of_transformers():
    code = """
import sys
import mmfncontra.apis
from mmengine.optim import OPTIMIZERS
import torch
assert 'transformers' not in sys.modules
made = OPTIMIZERS.build(dict(type='Adafactor', params=[torch.zeros(2, requires_grad=True)]))
import transformers
assert type(made) is transformers.Adafactor
"""
    run(code)
