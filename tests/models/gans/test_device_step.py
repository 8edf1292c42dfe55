"""A step stays on the device: it waits for nothing there and draws everything there."""

import contextlib
import random

import numpy as np
import pytest
import torch
from gan_configs import CONTRAST, FASTGAN, PROJECTED, STYLEGAN2
from optimisers import optimisers
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmfncontra.models.gans import LimitedDataGAN

pytestmark = pytest.mark.usefixtures('default_scope')
REC = dict(rec=dict(type='WaveletL1Loss', levels=2))
TRAINED_FASTGAN = dict(
    **FASTGAN,
    disc_auxiliary_losses=REC,
    augment=dict(type='DiffAugment', policy='color,translation,cutout'),
    ema_config=dict(momentum=0.1),
)
TRAINED_STYLEGAN2 = dict(
    **STYLEGAN2,
    augment=dict(type='ADA', categories='bgcfnc', initial=0.5),
    ema_config=dict(type='HalfLifeEMA'),
)
TRAINED_PROJECTED = dict(
    **PROJECTED,
    augment=dict(type='DiffAugment', policy='color,translation,cutout', cutout=0.2),
    ema_config=dict(type='HalfLifeEMA'),
)
GANS = dict(
    fastgan=TRAINED_FASTGAN,
    fncontra={**TRAINED_FASTGAN, 'contrast': CONTRAST},
    regularised={
        **TRAINED_FASTGAN,
        'pseudo_real': dict(type='APA', initial=0.5),
        'regularisers': dict(nice=dict(type='NICE'), chain=dict(type='CHAIN')),
        'disc_auxiliary_losses': {**REC, 'lecam': dict(type='LeCamLoss')},
    },
    projected_fncontra={**TRAINED_PROJECTED, 'contrast': CONTRAST},
    stylegan2=TRAINED_STYLEGAN2,
    stylegan2_fncontra={**TRAINED_STYLEGAN2, 'contrast': CONTRAST},
)
DRAWS = {'rand', 'randn', 'randint', 'randperm', 'normal', 'multinomial', 'bernoulli'}


class OnDevice(TorchDispatchMode):
    """Refuses what reads a value, or touches a tensor of the host."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.name()
        waits = ('_local_scalar_dense', 'aten::item', 'nonzero', 'masked_select', 'equal')
        assert not any(name.startswith((f'aten::{w}', w)) for w in waits), f'{name} waits'
        result = function(*args, **(kwargs or {}))
        for value in tree_leaves((args, kwargs, result)):
            assert not isinstance(value, torch.Tensor) or value.is_meta, f'{name} on the host'
        return result


class DrawnWhereTheImagesAre(TorchFunctionMode):
    """Refuses draws that do not say their device, and tensors made of the host's numbers."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, '__name__', '')
        assert name not in ('tensor', 'new_tensor', 'from_numpy'), (
            f'torch.{name} copies from the host'
        )
        if name in DRAWS and not any(isinstance(a, torch.Tensor) for a in args):
            assert (kwargs or {}).get('device') is not None, f'torch.{name} on the default device'
        return function(*args, **(kwargs or {}))


@pytest.fixture(params=GANS)
def cfg(request):
    return GANS[request.param]


def test_nothing_of_a_step_is_on_the_host(cfg, monkeypatch):
    """On the meta device no tensor has a value, so that to read one would fail."""
    preprocessor = dict(type='mmengine.BaseDataPreprocessor')
    model = LimitedDataGAN(**cfg, data_preprocessor=preprocessor).train().to('meta')
    model._ema_started = True  # the first step asks whether it is the first
    # It knows no type of the meta device.
    monkeypatch.setattr(torch, 'autocast', lambda *_, **__: contextlib.nullcontext())
    optim = optimisers(model, torch.optim.SGD)
    size = model.generator.out_size
    images = torch.empty(4, 3, size, size, device='meta')
    for _ in range(2):  # all losses are due in the first
        with OnDevice(), DrawnWhereTheImagesAre():
            logs = model.train_step(dict(inputs=images), optim)
    assert all(value.is_meta and not value.requires_grad for value in logs.values())


def test_draws_are_torchs(cfg):
    model = LimitedDataGAN(**cfg).train()
    size = model.generator.out_size
    images = [torch.randint(0, 256, (3, size, size), dtype=torch.uint8) for _ in range(4)]
    python, numpy, own = random.getstate(), np.random.get_state(), torch.get_rng_state()
    model.train_step(dict(inputs=images), optimisers(model, torch.optim.SGD))
    assert random.getstate() == python
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy, strict=True))
    assert not torch.equal(torch.get_rng_state(), own)
