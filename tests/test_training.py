"""Real Runner iterations at a small size, interrupted and resumed."""

import json
from unittest import mock

import pytest
import torch
from commands import CONFIGS

from mmfncontra.apis import prepare_config, run_training

NARROW = {
    'model.generator.base_channels': 4,
    'model.discriminator.base_channels': 4,
    'train_dataloader.batch_size': 4,
    'default_hooks.logger.interval': 1,
    'default_hooks.checkpoint.interval': 2,
    'train_cfg.val_begin': 1000,  # validation has tests of its own
    'default_hooks.doctor': None,
}


def train(config, work_dir, data, iterations, **arguments):
    cfg = prepare_config(
        CONFIGS / config,
        work_dir=work_dir,
        data=data,
        cfg_options={**NARROW, 'train_cfg.max_iters': iterations},
        **arguments,
    )
    return run_training(cfg)


@pytest.mark.parametrize('family', ['fastgan', 'fncontra'])
def test_trains_and_resumes(family, images, tmp_path):
    config = f'{family}/fastgan-offline_64.py'
    train(config, tmp_path, images, 4)
    for picture in ('negatives.png', 'curves.png', 'samples/iter_000000.png',
                    'samples/iter_000004.png'):  # fmt: skip
        assert (tmp_path / picture).stat().st_size > 0
    saved = torch.load(tmp_path / 'iter_4.pth', weights_only=True)
    assert saved['state_dict']['generator_ema.steps'] == 5  # the start and four updates
    runner = train(config, tmp_path, images, 6, resume='auto')
    assert runner.iter == 6
    resumed = torch.load(tmp_path / 'iter_6.pth', weights_only=True)
    assert resumed['state_dict']['generator_ema.steps'] == 7
    for name in ('generator', 'discriminator'):
        steps = [s['step'] for s in resumed['optimizer'][name]['state'].values()]
        assert steps and all(step == 6 for step in steps)
    if family == 'fncontra':
        assert resumed['state_dict']['contrast.weights.started']
        weight = resumed['state_dict']['contrast.weights.weight']
        before = saved['state_dict']['contrast.weights.weight']
        assert 0 < (weight - before).abs().max() < 0.05  # two updates of one per cent
        scalars = [
            json.loads(line)
            for file in tmp_path.glob('*/vis_data/scalars.json')
            for line in file.read_text().splitlines()
        ]
        last = max((s for s in scalars if 'weight_easy' in s), key=lambda s: s['step'])
        assert last['step'] == 6
        logged = [last[f'weight_{level}'] for level in ('easy', 'middle', 'hard')]
        assert torch.isfinite(torch.tensor(logged)).all()
        assert {'loss_dwcl', 'loss_gwcl', 'similarity_hard'} <= set(last)


def test_resume_loads_exactly_what_was_saved(images, tmp_path):
    config = 'fncontra/fastgan-offline_64.py'
    train(config, tmp_path, images, 2)
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=True)
    runner = train(config, tmp_path, images, 2, resume=tmp_path / 'iter_2.pth')
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, saved['state_dict'][name]), name
    for name, optim in saved['optimizer'].items():
        now = runner.optim_wrapper[name].optimizer.state_dict()['state']
        for key, state in optim['state'].items():
            assert torch.equal(now[key]['exp_avg_sq'], state['exp_avg_sq'])


def test_fncontra_starts_from_a_trained_fastgan(images, tmp_path, capfd):
    train('fastgan/fastgan-offline_64.py', tmp_path / 'baseline', images, 2)
    path = tmp_path / 'baseline' / 'iter_2.pth'
    saved = torch.load(path, weights_only=True)['state_dict']
    capfd.readouterr()
    cfg = prepare_config(
        CONFIGS / 'fncontra/fastgan-offline_64.py',
        work_dir=tmp_path / 'fncontra',
        data=images,
        cfg_options={**NARROW, 'train_cfg.max_iters': 1, 'load_from': str(path)},
    )
    for wrapper in (cfg.optim_wrapper.generator, cfg.optim_wrapper.discriminator):
        wrapper.optimizer.lr = 0.0
    runner = run_training(cfg)
    shown = capfd.readouterr().out
    assert f'loaded {len(saved)} of {len(runner.model.state_dict())} tensors' in shown
    assert 'not in the checkpoint: discriminator.head.' in shown
    state = runner.model.state_dict()
    for name, value in saved.items():
        if name.startswith('discriminator.') and name.endswith(('.weight', '.weight_orig')):
            renamed = name.replace('discriminator.', 'discriminator.backbone.')
            assert torch.equal(state[renamed], value), name


@pytest.mark.parametrize(
    ('made', 'resumed', 'said'),
    [
        ('fastgan', 'fncontra', 'made without contrast, this config has it'),
        ('fncontra', 'fastgan', 'made with contrast, this config has none'),
    ],
)
def test_a_checkpoint_of_the_other_model_is_not_resumed(made, resumed, said, images, tmp_path):
    train(f'{made}/fastgan-offline_64.py', tmp_path / 'a', images, 2)
    with pytest.raises(ValueError, match=said) as raised:
        train(
            f'{resumed}/fastgan-offline_64.py',
            tmp_path / 'b',
            images,
            4,
            resume=tmp_path / 'a' / 'iter_2.pth',
        )
    assert 'discriminator.' in str(raised.value) and '\n' not in str(raised.value)


def test_autocast(images, tmp_path):
    runner = train('fncontra/fastgan-offline_64.py', tmp_path, images, 1, amp=True)
    assert all(p.dtype == torch.float32 for p in runner.model.parameters())
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())


def test_parts_switch_off_from_the_command_line(images, tmp_path):
    for part in ('dwcl', 'gwcl'):
        cfg = prepare_config(
            CONFIGS / 'fncontra/fastgan-offline_64.py',
            work_dir=tmp_path / part,
            data=images,
            cfg_options={**NARROW, 'train_cfg.max_iters': 1, f'model.contrast.{part}': None},
        )
        runner = run_training(cfg)
        log = runner.message_hub.log_scalars
        assert f'train/loss_{part}' not in log
        assert f'train/loss_{"gwcl" if part == "dwcl" else "dwcl"}' in log


def test_tensorboard_by_one_line(images, tmp_path):
    pytest.importorskip('tensorboard')
    cfg = prepare_config(
        CONFIGS / 'fastgan/fastgan-offline_64.py',
        work_dir=tmp_path,
        data=images,
        cfg_options={**NARROW, 'train_cfg.max_iters': 1},
    )
    cfg.visualizer.vis_backends.append(dict(type='TensorboardVisBackend'))
    run_training(cfg)
    assert list(tmp_path.rglob('events.out.tfevents*'))


@pytest.mark.parametrize(
    ('backend', 'package'), [('TensorboardVisBackend', 'tensorboard'), ('WandbVisBackend', 'wandb')]
)
def test_a_backend_without_its_package_is_refused_at_once(images, tmp_path, backend, package):
    backends = [dict(type='LocalVisBackend'), dict(type=backend)]
    with (
        mock.patch('mmfncontra.config.check.find_spec', return_value=None) as find,
        pytest.raises(ValueError, match=rf'vis_backends\.1: {backend} needs {package}.* pip'),
    ):
        prepare_config(
            CONFIGS / 'fastgan/fastgan-offline_64.py',
            work_dir=tmp_path,
            data=images,
            cfg_options={'visualizer.vis_backends': backends},
        )
    find.assert_called_once_with(package)
