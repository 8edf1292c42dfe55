"""What a resumed training takes from its config and what from its checkpoint."""

import json

import pytest
import torch
from mmengine.hooks import Hook

from mmfncontra.apis import load_checkpoint_file, prepare_config, run_training
from mmfncontra.config.load import load_config
from mmfncontra.engine.hooks import MetricCardHook
from mmfncontra.registry import HOOKS

RATE = 'optim_wrapper.generator.optimizer.lr'
SAID = 'goes on with other settings'


@HOOKS.register_module()
class CardAtTheEnd(Hook):
    def after_train(self, runner):
        MetricCardHook().after_val_epoch(runner, dict(swd=1.0))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'run'


@pytest.fixture
def train(toy_config, folder, capsys, monkeypatch):
    monkeypatch.setattr('mmfncontra.engine.training_runner.TrainingRunner.val_loop', None)

    def run(iterations, resume=True, schedule=None, **options):
        dotted = {key.replace('__', '.'): value for key, value in options.items()}
        dotted['train_cfg.max_iters'] = iterations
        dotted['default_hooks.checkpoint.interval'] = 1
        cfg = prepare_config(toy_config, work_dir=folder, resume=resume, cfg_options=dotted)
        cfg.custom_hooks = [dict(type='CardAtTheEnd')]
        if schedule is not None:
            schedules = dict(generator=[schedule], discriminator=[dict(schedule)])
            cfg.param_scheduler = schedules
        capsys.readouterr()
        run_training(cfg)
        lines = [line for line in capsys.readouterr().out.splitlines() if SAID in line]
        return lines[0].partition(SAID)[2] if lines else ''

    return run


def group(folder, iteration, network='generator'):
    checkpoint = load_checkpoint_file(folder / f'iter_{iteration}.pth')
    return checkpoint['optimizer'][network]['param_groups'][0]


def test_settings_of_optimisers_are_those_of_the_config(train, folder):
    assert train(2, resume=False) == ''
    said = train(
        4,
        optim_wrapper__generator__optimizer__lr=1e-6,
        optim_wrapper__generator__optimizer__betas=(0.1, 0.8),
        optim_wrapper__discriminator__optimizer__weight_decay=0.5,
    )
    assert f'{RATE} 0.001 → 1e-06' in said and 'betas (0.5, 0.9) → (0.1, 0.8)' in said
    assert 'discriminator.optimizer.weight_decay 0 → 0.5' in said or '(none) → 0.5' in said
    assert 'train_cfg.max_iters 2 → 4' in said
    generator, discriminator = group(folder, 4), group(folder, 4, 'discriminator')
    assert generator['lr'] == 1e-6 and tuple(generator['betas']) == (0.1, 0.8)
    assert discriminator['lr'] == 1e-3 and discriminator['weight_decay'] == 0.5
    state = load_checkpoint_file(folder / 'iter_4.pth')['optimizer']['generator']['state']
    assert state[0]['step'] == 4  # moments go on
    written = load_config(folder / 'toy.py')
    assert written.optim_wrapper.generator.optimizer.lr == 1e-6
    hub = load_checkpoint_file(folder / 'iter_4.pth')['message_hub']['runtime_info']
    assert 'lr=1e-06' in hub['cfg']


def test_a_changed_schedule_is_as_if_it_had_been_from_the_start(train, folder):
    cosine = dict(type='CosineAnnealingLR', by_epoch=False, begin=0, end=8, eta_min=1e-5)
    train(4, resume=False, schedule=cosine)
    whole = group(folder, 4)['lr']
    (folder / 'last_checkpoint').write_text(str(folder / 'iter_2.pth'))
    train(4, schedule={**cosine, 'end': 40})
    slower = group(folder, 4)['lr']
    assert slower > whole
    (folder / 'last_checkpoint').write_text(str(folder / 'iter_2.pth'))
    train(4, schedule=cosine, **{RATE: 2e-3})
    assert group(folder, 4)['lr'] == pytest.approx(2 * whole - 1e-5, rel=0.05)
    assert group(folder, 4, 'discriminator')['lr'] == whole
    # Without the schedule: the rate of the config.
    train(5)
    assert group(folder, 5)['lr'] == 1e-3 and 'initial_lr' not in group(folder, 5)


def test_an_optimiser_of_another_kind_begins_anew(train, folder):
    train(2, resume=False)
    kind = dict(type='SGD', lr=0.1, momentum=0.9)
    said = train(3, **{'optim_wrapper.generator.optimizer': dict(kind, _delete_=True)})
    assert 'generator.optimizer.state' in said and 'begins anew' in said
    assert group(folder, 3)['momentum'] == 0.9 and 'betas' not in group(folder, 3)
    said = train(4, **{'optim_wrapper.discriminator.optimizer.amsgrad': True})
    state = load_checkpoint_file(folder / 'iter_4.pth')['optimizer']['discriminator']['state']
    assert 'discriminator.optimizer.amsgrad' in said and state[0]['step'] == 1


def test_images_and_epochs_never_run_backwards(train, folder):
    def seen(iteration):
        path = folder / 'metrics' / f'iter_{iteration:06d}.json'
        return json.loads(path.read_text())['depends']['run']['images_seen']

    train(3, resume=False)
    said = train(4, train_dataloader__batch_size=2)
    assert 'train_dataloader.batch_size 4 → 2' in said
    train(5, train_dataloader__batch_size=8)
    train(6, train_dataloader__batch_size=8)
    assert [seen(i) for i in (3, 4, 5, 6)] == [12, 14, 22, 30]
    stream = load_checkpoint_file(folder / 'iter_6.pth')['stream']
    assert stream['place'] == 32 and stream['images'] == 30
    # A checkpoint from before images were counted.
    path = folder / 'iter_6.pth'
    checkpoint = load_checkpoint_file(path)
    del checkpoint['stream']
    torch.save(checkpoint, path)
    train(7, train_dataloader__batch_size=4)
    assert seen(7) == 6 * 8 + 4


def test_the_same_settings_say_nothing(train):
    train(2, resume=False)
    assert train(2) == ''


def test_a_checkpoint_of_other_networks_is_refused(train, folder):
    train(2, resume=False)
    path = folder / 'iter_2.pth'
    checkpoint = load_checkpoint_file(path)
    checkpoint['optimizer']['other'] = checkpoint['optimizer'].pop('generator')
    torch.save(checkpoint, path)
    with pytest.raises(ValueError, match=r'optimisers of discriminator, other.*load_from='):
        train(3)


def test_a_config_of_ones_own_is_not_written_over_but_named(toy_config, tmp_path, capsys):
    text = toy_config.read_text()
    options = {'train_cfg.max_iters': 1}
    run_training(prepare_config(toy_config, work_dir=tmp_path, cfg_options=options))
    assert 'other settings run: train_cfg.max_iters 4 → 1' in ' '.join(capsys.readouterr())
    assert toy_config.read_text() == text
    # What a training wrote is the record of what runs.
    run = tmp_path / 'run'
    run_training(prepare_config(toy_config, work_dir=run, cfg_options=options))
    again = prepare_config(run / 'toy.py', work_dir=run, resume=True, cfg_options={RATE: 1e-6})
    run_training(again)
    assert load_config(run / 'toy.py').optim_wrapper.generator.optimizer.lr == 1e-6
