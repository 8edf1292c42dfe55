import pytest
import torch
from mmengine.dist import is_distributed

from mmfncontra.apis import load_checkpoint_file, load_generator, prepare_config, run_training
from mmfncontra.apis import train as train_module


def _train(config, folder, **options):
    return run_training(prepare_config(config, work_dir=folder, **options))


def test_console_is_short_and_the_log_complete(toy_config, tmp_path, capfd):
    _train(toy_config, tmp_path / 'run')
    shown = capfd.readouterr()
    assert max(map(len, shown.out.splitlines())) < 300
    assert len(shown.out.splitlines()) < 12
    assert 'Config:' not in shown.out + shown.err
    assert 'Iter(train) [4/4]' in shown.out
    assert shown.out.splitlines()[-1].endswith('run/iter_4.pth')
    assert 'System environment' not in shown.out and 'Hooks will be' not in shown.out
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert 'System environment' in log and 'Hooks will be' in log and "type='ToyGAN'" in log


def test_a_trained_generator_is_found_beside_its_config(toy_config, tmp_path):
    _train(toy_config, tmp_path / 'run')
    state = load_checkpoint_file(tmp_path / 'run' / 'iter_4.pth')['state_dict']
    generator = load_generator(tmp_path / 'run' / 'iter_4.pth', use_ema=False, calibrate=False)
    for name, value in generator.state_dict().items():
        assert torch.equal(value, state[f'generator.{name}'])


def test_resume_goes_on(toy_config, tmp_path, capfd):
    run = tmp_path / 'run'
    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    capfd.readouterr()
    runner = _train(toy_config, run, resume=True)
    assert runner.iter == 4
    shown = capfd.readouterr().out
    assert 'iter: 2' in shown and 'FileClient' not in shown
    assert load_checkpoint_file(run / 'iter_4.pth')['meta']['iter'] == 4


def test_amp_keeps_weights_in_float32(toy_config, tmp_path):
    runner = _train(toy_config, tmp_path, amp=True)
    assert all(p.dtype == torch.float32 for p in runner.model.parameters())
    assert type(runner.optim_wrapper['generator']).__name__ == 'AutocastOptimWrapper'


@pytest.mark.parametrize('iters_done', [0, 2])
def test_an_interruption_says_how_to_go_on(toy_config, tmp_path, capfd, monkeypatch, iters_done):
    if iters_done:
        _train(toy_config, tmp_path, cfg_options={'train_cfg.max_iters': iters_done})

    def interrupt(runner):
        raise KeyboardInterrupt

    monkeypatch.setattr(train_module.TrainingRunner, 'train', interrupt)
    with pytest.raises(SystemExit) as left:
        _train(toy_config, tmp_path)
    assert left.value.code == 130
    last = capfd.readouterr().out.splitlines()[-1]
    if iters_done:
        assert last == (
            f'interrupted; to go on from {tmp_path}, run the same command with --resume'
        )
    else:
        assert 'nothing to resume' in last


def test_a_launcher_without_its_variables(toy_config, tmp_path, monkeypatch):
    monkeypatch.setattr('mmfncontra.utils.cpu_distributed.get_device', lambda: 'cpu')
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r'RANK, .*tools/dist_train\.sh'):
        _train(toy_config, tmp_path, launcher='pytorch')
    with pytest.raises(ValueError, match=r"launcher='slurm' needs GPUs"):
        _train(toy_config, tmp_path, launcher='slurm')
    assert not is_distributed()
