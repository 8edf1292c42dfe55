"""Seconds and images of a training, on its metric cards."""

import json

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub

from mmfncontra.apis import load_checkpoint_file, prepare_config, run_training
from mmfncontra.engine import train_clock
from mmfncontra.engine.hooks import MetricCardHook
from mmfncontra.engine.hooks.periodic_hook import PeriodicHook
from mmfncontra.registry import HOOKS


class Now:
    """A clock that the test moves on."""

    def __init__(self):
        self.seconds = 1000.0

    def perf_counter(self):
        return self.seconds


@pytest.fixture
def now(monkeypatch):
    found = Now()
    monkeypatch.setattr(train_clock, 'time', found)
    return found


@HOOKS.register_module()
class Spend(Hook):
    """Lets steps take a second, saving and a validation, which leaves a card, hours."""

    priority = 'HIGHEST'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        train_clock.time.seconds += 1

    def before_save_checkpoint(self, runner, checkpoint):
        train_clock.time.seconds += 3600

    def before_val_epoch(self, runner):
        train_clock.time.seconds += 3600

    def after_val_epoch(self, runner, metrics=None):
        MetricCardHook().after_val_epoch(runner, dict(swd=1.0))


@HOOKS.register_module()
class SpendNowAndThen(PeriodicHook):
    def __init__(self):
        super().__init__(interval=2)

    def act(self, runner, iteration):
        train_clock.time.seconds += 3600


class Validation:
    """A loop that calls one hook. A resumed training makes up for the last one: it is not noted."""

    def __init__(self, runner):
        self.runner = runner

    def run(self):
        (hook,) = (hook for hook in self.runner.hooks if isinstance(hook, Spend))
        hook.before_val_epoch(self.runner)
        hook.after_val_epoch(self.runner)


def train(config, work_dir, monkeypatch, iterations=4, **arguments):
    cfg = prepare_config(config, work_dir=work_dir, **arguments)
    cfg.train_cfg.update(max_iters=iterations, val_interval=2)
    monkeypatch.setattr(
        'mmfncontra.engine.training_runner.TrainingRunner.val_loop',
        property(Validation),
    )
    cfg.custom_hooks = [dict(type='Spend'), dict(type='SpendNowAndThen')]
    return run_training(cfg)


def cost(work_dir):
    cards = sorted((work_dir / 'metrics').glob('*.json'))
    runs = [json.loads(path.read_text())['depends']['run'] for path in cards]
    return [(run['images_seen'], run.get('train_seconds')) for run in runs]


def test_only_steps_count_and_a_resumed_training_goes_on(toy_config, tmp_path, now, monkeypatch):
    train(toy_config, tmp_path, monkeypatch)
    assert cost(tmp_path) == [(8, 2.0), (16, 4.0)]
    assert now.seconds >= 1000 + 4 * 3600
    now.seconds += 7200
    train(toy_config, tmp_path, monkeypatch, iterations=6, resume=True)
    assert cost(tmp_path) == [(8, 2.0), (16, 4.0), (24, 6.0)]


def test_seconds_before_a_checkpoint_without_them_are_unknown(
    toy_config, tmp_path, now, monkeypatch
):
    train(toy_config, tmp_path, monkeypatch)
    path = tmp_path / 'iter_4.pth'
    checkpoint = load_checkpoint_file(path)
    del checkpoint['message_hub']['log_scalars']['time']
    torch.save(checkpoint, path)
    MessageHub._instance_dict.clear()  # hubs are named after the second of a start
    train(toy_config, tmp_path, monkeypatch, iterations=6, resume=True)
    assert cost(tmp_path)[-1] == (24, None)


def test_without_a_clock_nothing_is_paused():
    with train_clock.pause_clock(object()) as clock:
        assert clock is None
