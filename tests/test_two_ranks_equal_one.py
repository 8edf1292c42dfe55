"""Two ranks with half of a batch each do what one rank does with the whole of it."""

from functools import partial
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.logging import MessageHub
from mmengine.model import MMSeparateDistributedDataParallel
from mmengine.runner import Runner
from optimisers import optimisers
from torch import nn
from torch.distributed.nn.functional import all_reduce
from two_ranks import on_two_ranks

from mmfncontra.engine import TrainingRunner
from mmfncontra.engine.hooks import DynamicWeightHook
from mmfncontra.models.gans import LimitedDataGAN
from mmfncontra.utils.unwrap import unwrap

WHOLE = 4
STEPS = 2
FIXED = '.mix_', '.channels_', '.weights_sha256'


class BatchNormOfAll(nn.Module):
    """BatchNorm with the statistics of all ranks, on the CPU, where SyncBatchNorm does not run."""

    def __init__(self, layer):
        super().__init__()
        self.weight, self.bias, self.eps = layer.weight, layer.bias, layer.eps

    def forward(self, x):
        axes = [axis for axis in range(x.ndim) if axis != 1]
        moments = torch.stack([x.mean(axes), x.square().mean(axes)])
        if get_world_size() > 1:
            moments = all_reduce(moments) / get_world_size()
        mean, square = (m.view(1, -1, *[1] * (x.ndim - 2)) for m in moments)
        shape = mean.shape
        scale = self.weight.view(shape) / (square - mean.square() + self.eps).sqrt()
        return (x - mean) * scale + self.bias.view(shape)


def replace_batch_norms(module):
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, BatchNormOfAll(child))
        else:
            replace_batch_norms(child)


class DrawsOfTheWholeBatch:
    """Draws for the whole batch, of which a rank takes its share; others as they are."""

    def __init__(self):
        self.own = WHOLE // get_world_size()
        self.patches = [
            mock.patch.object(torch, name, self._drawing(getattr(torch, name)))
            for name in ('rand', 'randn', 'randint')
        ]
        self.patches += [
            mock.patch.object(torch, f'{name}_like', self._like(name)) for name in ('rand', 'randn')
        ]

    def _share(self, draw, size):
        if len(size) == 0 or size[0] != self.own:
            return draw(tuple(size))
        return draw((WHOLE, *size[1:])).split(self.own)[get_rank()]

    def _drawing(self, function):
        def draw(*args, **kwargs):
            if isinstance(args[-1], tuple | list):  # randint too
                *args, size = args
            else:
                args, size = [], args
            return self._share(lambda s: function(*args, s, **kwargs), size)

        return draw

    def _like(self, name):
        return lambda x: getattr(torch, name)(*x.shape, dtype=x.dtype, device=x.device)

    def __enter__(self):
        for patch in self.patches:
            patch.start()

    def __exit__(self, *_):
        for patch in self.patches:
            patch.stop()


def everything():
    return LimitedDataGAN(
        generator=dict(type='mmfncontra.FastGANGenerator', out_size=64, base_channels=4),
        discriminator=dict(type='mmfncontra.FastGANDiscriminator', in_size=64, base_channels=4),
        disc_auxiliary_losses=dict(
            rec=dict(type='mmfncontra.WaveletL1Loss', levels=2, interval=2),
            lecam=dict(type='mmfncontra.LeCamLoss', warmup=0),
            r1=dict(type='mmfncontra.R1Penalty', gamma=1e-3),
        ),
        augment=dict(type='mmfncontra.ADA', initial=0.3, interval=1, ada_kimg=0.1),
        contrast=dict(
            type='mmfncontra.FNContra',
            dwcl=dict(type='mmfncontra.DWCLLoss', batch_negatives=True, queue_size=6, gather=True),
        ),
        ema_config=dict(momentum=0.1),
    )


def projected():
    return LimitedDataGAN(
        generator=dict(type='mmfncontra.FastGANLiteGenerator', out_size=64, base_channels=4),
        discriminator=dict(
            type='mmfncontra.ProjectedDiscriminator', in_size=64, mix_channels=4, feature_size=64
        ),
        augment=dict(type='mmfncontra.ADA', initial=0.3, interval=1, ada_kimg=0.1),
        contrast=dict(type='mmfncontra.FNContra'),
        ema_config=dict(type='mmfncontra.HalfLifeEMA'),
    )


def built(make):
    torch.manual_seed(0)
    model = make()
    replace_batch_norms(model)
    return model.train()


def drawn_on_each_rank(make):
    """The fixed parts of a model that every rank has drawn from a seed of its own."""
    torch.manual_seed(get_rank())
    wrap = mock.patch.object(Runner, 'wrap_model', lambda _, cfg, model: cfg(model))
    with wrap:
        runner = TrainingRunner.__new__(TrainingRunner)
        model = runner.wrap_model(MMSeparateDistributedDataParallel, make())
    return {n: b for n, b in unwrap(model).named_buffers() if any(f in n for f in FIXED)}


def plain_names(state):
    """A state's values by the names that no wrapper adds to."""
    return {name.replace('.module.', '.'): value for name, value in state.items()}


def train(make):
    """State after some steps, and what they logged.

    In float64, where what is rounded otherwise does not become another step within a few.
    """
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.object(torch.Tensor, 'float', torch.Tensor.double):
            return train_in_double(make)
    finally:
        torch.set_default_dtype(torch.float32)


def train_in_double(make):
    model = built(make).double()
    if get_world_size() > 1:
        model = MMSeparateDistributedDataParallel(model)
    networks = unwrap(model)
    optim = optimisers(networks, torch.optim.SGD)
    images = torch.Generator().manual_seed(1)
    runner = SimpleNamespace(model=model, message_hub=MessageHub.get_instance('two ranks'))
    logs = []
    torch.manual_seed(2)
    for _ in range(STEPS):
        whole = torch.randint(256, (WHOLE, 3, 64, 64), generator=images, dtype=torch.uint8)
        own = whole.split(WHOLE // get_world_size())[get_rank()]
        with DrawsOfTheWholeBatch():
            step = model.train_step(dict(inputs=list(own)), optim)
        DynamicWeightHook().after_train_iter(runner, 0)
        logs.append({name: float(value) for name, value in step.items()})
    state = plain_names(networks.state_dict())
    return state, logs


@pytest.fixture(scope='module', params=[everything, projected], ids=lambda make: make.__name__)
def runs(request, tmp_path_factory):
    run, folder = partial(train, request.param), tmp_path_factory.mktemp('ranks')
    return request.param, run(), *on_two_ranks(run, folder=folder, method='spawn')


def test_ranks_agree_on_everything(runs):
    _, _, (one, one_logs), (two, two_logs) = runs
    own = ('contrast.similarity',)
    for name, value in one.items():
        assert torch.equal(value, two[name]) or name.endswith(own), name
    for a, b in zip(one_logs, two_logs, strict=True):
        # Losses are of a rank's own images.
        assert {n for n in a if a[n] == b[n]} >= {'r_t', 'p_ada', 'skipped'}
        assert a['loss_real'] != b['loss_real']


def test_two_ranks_equal_one(runs):
    make, (whole, whole_logs), (half, one_logs), (_, two_logs) = runs
    start = plain_names(built(make).state_dict())
    moved, errors = 0, {}
    for name, value in whole.items():
        other, value = half[name].double(), value.double()
        error = (other - value).abs().max() / value.abs().max().clamp(min=1e-12)
        errors[name] = error.item()
        moved += not torch.allclose(value, start[name].double())
    assert max(errors.values()) < 1e-8, errors
    trained = [name for name in start if not any(each in name for each in FIXED)]
    assert moved > 0.9 * len(trained)
    for logs, one, two in zip(whole_logs, one_logs, two_logs, strict=True):
        for name, value in logs.items():
            assert (one[name] + two[name]) / 2 == pytest.approx(value, rel=1e-8, abs=1e-8), name


def with_another_file_on_the_second_rank():
    model = projected()
    if get_rank():
        next(b for n, b in model.named_buffers() if n.endswith('weights_sha256')).add_(1)
    with mock.patch.object(Runner, 'wrap_model', lambda _, cfg, model: model):
        TrainingRunner.__new__(TrainingRunner).wrap_model(None, model)


def test_ranks_with_other_weights_are_refused(tmp_path):
    errors = on_two_ranks(with_another_file_on_the_second_rank, folder=tmp_path, method='spawn')
    for error in errors:
        assert 'the processes have different weights of a pretrained network' in str(error)


def test_projections_of_the_first_rank_are_those_of_all(tmp_path):
    run = partial(drawn_on_each_rank, projected)
    one, two = on_two_ranks(run, folder=tmp_path, method='spawn')
    assert len(one) == 17  # four of each kind with weight and bias, and the backbone's hash
    assert all(torch.equal(one[name], two[name]) for name in one)
