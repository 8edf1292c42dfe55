"""A training that is left and resumed is, bit for bit, one that was never left."""

import copy
import os
import signal
from pathlib import Path

import pytest
import torch
from commands import CONFIGS
from deep_equality import differences
from mmengine.config import Config
from mmengine.hooks import Hook

from mmfncontra.apis import load_checkpoint_file, prepare_config, run_training
from mmfncontra.registry import HOOKS

CONFIG = CONFIGS / 'fncontra/fastgan-offline_64.py'
OPTIONS = {
    'model.generator.base_channels': 4,
    'model.discriminator.base_channels': 4,
    'train_dataloader.batch_size': 4,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'train_cfg.val_interval': 2,
    'default_hooks.logger.interval': 1,
    'default_hooks.checkpoint.interval': 2,
    'default_hooks.checkpoint.max_keep_ckpts': 3,
    'default_hooks.doctor.interval': 5,
    'default_hooks.doctor.gradient_interval': 1,
    'val_evaluator': dict(metrics=[dict(type='DiscriminatorView', num_fake=4)]),
    'default_hooks.samples': None,
    'default_hooks.curves': None,
}
# What says when and where a checkpoint was written.
VOLATILE = ('time', 'cfg', 'experiment_name')


@HOOKS.register_module()
class RaiseAt(Hook):
    """Ends a training as an error or a signal would."""

    def __init__(self, iteration: int, number: int = 0, during_validation: bool = False) -> None:
        self.iteration, self.number, self.in_validation = iteration, number, during_validation

    def _stop(self, runner):
        if self.number:
            os.kill(os.getpid(), self.number)
        else:
            raise ZeroDivisionError

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if not self.in_validation and runner.iter == self.iteration:
            self._stop(runner)

    def before_val_epoch(self, runner):
        if self.in_validation and runner.iter == self.iteration:
            self._stop(runner)


def train(images, work_dir, iterations=6, hooks=(), **arguments):
    options = {**OPTIONS, 'train_cfg.max_iters': iterations, **arguments.pop('options', {})}
    cfg = prepare_config(CONFIG, work_dir=work_dir, data=images, cfg_options=options, **arguments)
    cfg.model.augment = dict(type='ADA', ada_kimg=0.1, interval=1)
    # Parts of a contrast that draw, and one that remembers.
    cfg.model.contrast.dwcl.update(batch_negatives=True, queue_size=7)
    cfg.model.contrast.negatives = [cfg.model.contrast.negatives, dict(type='SyntheticNegatives')]
    cfg.model.contrast.view = [cfg.model.contrast.view, dict(type='FeatureMixing')]
    # A schedule over the whole training, however much of it a run does.
    schedule = dict(type='CosineAnnealingLR', by_epoch=False, begin=0, end=6, eta_min=1e-5)
    cfg.param_scheduler = dict(generator=[schedule], discriminator=[dict(schedule)])
    cfg.default_hooks.checkpoint.save_best = 'separation'
    cfg.default_hooks.checkpoint.rule = 'less'
    patience = dict(type='EarlyStoppingHook', monitor='separation', rule='less', patience=9)
    cfg.custom_hooks = [*cfg.custom_hooks, patience, *hooks]
    return run_training(Config(cfg._cfg_dict, filename=cfg.filename))


def saved(work_dir, iteration=6):
    checkpoint = load_checkpoint_file(Path(work_dir) / f'iter_{iteration}.pth')
    for key in VOLATILE:
        checkpoint['meta'].pop(key)
    info = checkpoint['message_hub']['runtime_info']
    for key in ('last_ckpt', 'best_ckpt', 'cfg', 'experiment_name'):  # paths
        info.pop(key, None)
    scalars = checkpoint['message_hub']['log_scalars']
    for key in [key for key in scalars if key.endswith(('time', 'memory'))]:
        del scalars[key]
    return checkpoint


@pytest.fixture(scope='module')
def whole(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    train(images, folder)
    return saved(folder)


def test_what_is_compared_is_there(whole):
    assert {'python', 'numpy', 'torch'} <= set(whole['ranks'][0]['random'])
    assert whole['early_stopping'] and whole['param_schedulers']['generator']
    assert 'best_score' in whole['message_hub']['runtime_info']
    names = set(whole['state_dict'])
    assert any('contrast.weights' in name for name in names)
    assert any('augment' in name for name in names)
    assert any('weight_u' in name for name in names)
    assert len(whole['message_hub']['log_scalars']['train/grad_norm_generator'].data[0]) >= 5


@pytest.mark.parametrize(('left_at', 'workers'), [(1, 0), (3, 2)])
def test_an_interruption_changes_nothing(left_at, workers, images, whole, tmp_path):
    options = {'train_dataloader.num_workers': workers}
    stop = dict(type='RaiseAt', iteration=left_at, number=int(signal.SIGTERM))
    with pytest.raises(SystemExit) as left:
        train(images, tmp_path, hooks=[stop], options=options)
    assert left.value.code == 75
    assert (tmp_path / 'last_checkpoint').read_text().endswith(f'iter_{left_at + 1}.pth')
    # What the process does in between, and its random numbers, are nobody's business.
    torch.manual_seed(123)
    train(images, tmp_path, resume=True, options=options)
    assert differences(whole, saved(tmp_path)) == []


def test_a_fault_loses_what_came_after_the_last_checkpoint_only(images, whole, tmp_path):
    with pytest.raises(ZeroDivisionError):
        train(images, tmp_path, hooks=[dict(type='RaiseAt', iteration=5)])
    train(images, tmp_path, resume=True)
    assert differences(whole, saved(tmp_path)) == []


def test_a_validation_that_was_interrupted_is_made_up_for(images, whole, tmp_path):
    with pytest.raises(ZeroDivisionError):
        train(images, tmp_path, hooks=[dict(type='RaiseAt', iteration=4, during_validation=True)])
    train(images, tmp_path, resume=True)
    assert differences(whole, saved(tmp_path)) == []


def test_a_comparison_can_fail(whole):
    other = copy.deepcopy(whole)
    assert differences(whole, other) == []
    state = other['state_dict']
    name = next(name for name, value in state.items() if value.is_floating_point())
    state[name].view(-1)[0] = torch.nextafter(state[name].view(-1)[0], torch.tensor(9.0))
    other['ranks'][0]['random']['python'][1][0] += 1
    found = differences(whole, other)
    assert len(found) == 2 and found[0] == f'.state_dict.{name}' and 'random' in found[1]
