"""What a training asks of the device between two readings of its logs."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from commands import CONFIGS
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.apis import prepare_config
from mmfncontra.engine import TrainingRunner

# Each makes the host wait for a value of the device.
_CALLS = ('item', 'tolist', 'cpu', 'numpy', '__bool__', '__float__', '__int__', '__index__')
_WAITING_CALLS = {getattr(torch.Tensor, name) for name in _CALLS}
_WAITING_OPS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.equal.default,
    torch.ops.aten.masked_select.default,
}


class NoWaitingOp(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func not in _WAITING_OPS, func
        return func(*args, **(kwargs or {}))


class NoWaitingCall(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        assert func not in _WAITING_CALLS, func
        return func(*args, **(kwargs or {}))


class Guard(Hook):
    """Allows no waiting from before iteration ``first`` until before iteration ``last``."""

    def __init__(self, first, last):
        self.first, self.last = first, last
        self.modes = ExitStack()

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == self.first:
            self.modes.enter_context(NoWaitingOp())
            self.modes.enter_context(NoWaitingCall())
        if batch_idx == self.last:
            self.modes.close()


@pytest.fixture
def train(images, tmp_path):
    def train(name, *hooks, **options):
        MessageHub._instance_dict.clear()
        cfg = prepare_config(
            CONFIGS / 'fncontra/fastgan-offline_64.py',
            work_dir=tmp_path / name,
            data=images,
            cfg_options={
                'model.generator.base_channels': 4,
                'model.discriminator.base_channels': 4,
                'train_dataloader.batch_size': 2,
                'default_hooks.logger.interval': 10,
                'default_hooks.checkpoint.interval': 7,
                'default_hooks.doctor.gradient_interval': 3,
                'train_cfg.max_iters': 11,
                'train_cfg.val_begin': 1000,
                **options,
            },
        )
        runner = TrainingRunner.from_cfg(cfg)
        for hook in hooks:
            runner.register_hook(hook, priority='HIGHEST')
        runner.train()
        return runner

    return train


# Every part of a contrast that draws, chooses or remembers.
ALL_PARTS = dict(
    negatives=[
        dict(type='FrequencyNegatives', levels=3),
        dict(type='LowPassNegatives', num=1),
        dict(type='SyntheticNegatives', num=3, hardest=2),
    ],
    view=[
        dict(type='RandomView'),
        dict(type='HighBoostView'),
        dict(type='RandomMasking'),
        dict(type='FeatureMixing'),
    ],
    dwcl=dict(
        batch_negatives=True,
        queue_size=5,
        objective=dict(type='DebiasedInfoNCE', hardness=0.5),
    ),
)


@pytest.mark.parametrize('contrast', [{}, ALL_PARTS], ids=['fncontra', 'all-parts'])
def test_steps_do_not_wait_between_two_readings(contrast, train):
    options = {'train_cfg.device_images': True, 'default_hooks.checkpoint.interval': 100}
    options |= {f'model.contrast.{key}': value for key, value in contrast.items()}
    guard = Guard(first=1, last=9)
    with guard.modes:
        runner = train('run', guard, **options)
    history = runner.message_hub.get_scalar('train/weight_easy').data[0]
    assert len(history) == 11 and len(set(history)) > 2


def scalars(runner):
    path = next(Path(runner.work_dir).glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_logs_and_checkpoints_are_those_of_mmengines_hub(train, monkeypatch):
    ours = train('ours')
    with monkeypatch.context() as patch:
        patch.setattr(
            'mmfncontra.engine.training_runner.DeferredMessageHub.get_instance',
            lambda name: MessageHub.get_instance(name),
        )
        theirs = train('theirs', **{'default_hooks.runtime_info.type': 'RuntimeInfoHook'})
    assert type(theirs.message_hub) is MessageHub is not type(ours.message_hub)
    times = ('time', 'data_time')
    for one, other in zip(scalars(ours), scalars(theirs), strict=True):
        assert list(one) == list(other)
        assert all(one[key] == other[key] for key in one if key not in times)
    for name in ('iter_7.pth', 'iter_11.pth'):
        one, other = (
            torch.load(Path(run.work_dir) / name, weights_only=True)['message_hub']['log_scalars']
            for run in (ours, theirs)
        )
        assert list(one) == list(other)
        for key in one:
            if key.removeprefix('train/') not in times:
                assert one[key].data[0].tolist() == other[key].data[0].tolist()
                assert one[key].data[1].tolist() == other[key].data[1].tolist()
