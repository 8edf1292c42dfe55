import pytest
import torch
import toy_gan
from mmengine.dist import is_distributed
from toy_config import write_toy_config

from mmfncontra.apis import load_checkpoint_file, load_generator, prepare_config, run_training
from mmfncontra.engine import TrainingRunner


def _train(config, folder, **options):
    return run_training(prepare_config(config, work_dir=folder, **options))


def test_console_is_short_and_the_log_complete(toy_config, tmp_path, capfd):
    _train(toy_config, tmp_path / 'run')
    shown = capfd.readouterr()
    assert max(map(len, shown.out.splitlines())) < 300
    assert len(shown.out.splitlines()) < 12
    assert 'Config:' not in shown.out + shown.err
    assert 'Iter(train) [4/4]' in shown.out
    assert shown.out.splitlines()[-2].endswith('run/iter_4.pth')
    assert shown.out.splitlines()[-1].startswith('draw from it: python tools/generate.py ')
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


@pytest.fixture
def drawn(monkeypatch):
    """What a training draws: (indices of real images, noise), lists that grow."""
    indices, noise = [], []
    prepare, generate = toy_gan.ToyImages.prepare_data, toy_gan.ToyGenerator.forward

    def prepare_data(self, idx):
        indices.append(idx)
        return prepare(self, idx)

    def forward(self, z):
        noise.append(tuple(z.flatten().tolist()))
        return generate(self, z)

    monkeypatch.setattr(toy_gan.ToyImages, 'prepare_data', prepare_data)
    monkeypatch.setattr(toy_gan.ToyGenerator, 'forward', forward)
    return indices, noise


def test_resume_sees_other_images_and_noise(toy_config, tmp_path, drawn):
    indices, noise = drawn
    _train(toy_config, tmp_path / 'whole')
    whole_indices, whole_noise = list(indices), list(noise)
    indices.clear()
    run = tmp_path / 'run'
    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    assert noise[4:] == whole_noise[:2]
    noise.clear()
    _train(toy_config, run, resume=run / 'iter_2.pth')
    # The same order as without an interruption, and nothing is read twice.
    assert indices == whole_indices and len(indices) == 16
    resumed = list(noise)
    assert len(resumed) == 2 and not set(resumed) & set(whole_noise)
    noise.clear()
    _train(toy_config, run, resume=run / 'iter_2.pth')
    assert noise == resumed
    for log in run.glob('*/*.log'):
        assert 'Advance dataloader' not in log.read_text()


def test_resume_with_another_network(toy_config, tmp_path):
    _train(toy_config, tmp_path / 'run', cfg_options={'train_cfg.max_iters': 2})
    path = tmp_path / 'run' / 'iter_2.pth'
    with pytest.raises(ValueError, match=r'does not fit .*another kind or size') as raised:
        _train(
            toy_config, tmp_path / 'other', resume=path, cfg_options={'model.generator.width': 2}
        )
    said = str(raised.value)
    assert f'{path} does not fit' in said and f'load_from={path}' in said
    assert 'generator.body.0.weight_orig' in said and '\n' not in said and len(said) < 600


def test_load_from_takes_what_fits(toy_config, tmp_path, capfd):
    _train(toy_config, tmp_path / 'run', cfg_options={'train_cfg.max_iters': 2})
    path = str(tmp_path / 'run' / 'iter_2.pth')
    saved = load_checkpoint_file(path)['state_dict']
    capfd.readouterr()
    still = {f'optim_wrapper.{name}.optimizer.lr': 0.0 for name in ('generator', 'discriminator')}
    options = {'load_from': path, 'train_cfg.max_iters': 1, **still}
    runner = _train(toy_config, tmp_path / 'a', cfg_options={**options, 'model.generator.width': 2})
    assert runner.iter == 1
    shown = capfd.readouterr().out
    assert f'loaded 5 of 13 tensors from {path}' in shown
    assert 'of another shape: generator.body.0.bias (32 here, 64 in the file), ' in shown
    assert ' and 5 more' in shown
    state = runner.model.state_dict()
    assert torch.equal(state['discriminator.body.weight'], saved['discriminator.body.weight'])


def test_hooks_are_left_out_by_none(tmp_path):
    none = {'default_hooks = dict(': 'default_hooks = dict(curves=None, timer=None,'}
    runner = _train(
        write_toy_config(tmp_path, **none), tmp_path / 'run', cfg_options={'train_cfg.max_iters': 1}
    )
    names = {type(hook).__name__ for hook in runner.hooks}
    assert not names & {'CurvesHook', 'IterTimerHook'} and 'CheckpointHook' in names


def test_load_from_where_nothing_fits(toy_config, tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict={'generator.x': torch.zeros(1)}), path)
    with pytest.raises(ValueError, match=r'nothing in .*a\.pth fits this config'):
        _train(toy_config, tmp_path / 'run', cfg_options={'load_from': str(path)})


@pytest.mark.parametrize('resume', [True, False])
def test_what_reaches_the_runner_is_checked_there(toy_config, tmp_path, resume):
    path = tmp_path / 'a.pth'
    cfg = prepare_config(toy_config, work_dir=tmp_path / 'run')
    cfg.load_from, cfg.resume = str(path), resume
    with pytest.raises(FileNotFoundError, match=r'a\.pth does not exist'):
        run_training(cfg)
    state = {'generator.x': torch.zeros(1)}
    text = f"open({str(tmp_path / 'owned')!r}, 'w')"
    meta = dict(epoch=0, iter=1, config=text)
    torch.save(dict(state_dict=state, meta=meta, message_hub={}, optimizer={}), path)
    with pytest.raises(ValueError, match='config to be executed' if resume else 'nothing in'):
        run_training(cfg)
    assert not (tmp_path / 'owned').exists()


@pytest.mark.parametrize(
    ('old', 'new', 'said'),
    [
        ("type='ToyGAN'", "type='ToyGANN'", r'^model\.type: .*ToyGAN\b'),
        ("type='ToyDiscriminator'", "type='Critic'", r'^model\.discriminator\.type: '),
        ("type='ToyDrawings'", "type='ToyDrawing'", r'dataset\.type: .* did you mean ToyDrawings'),
        ("type='InfiniteSampler'", "type='Sampler'", r'^train_dataloader\.sampler\.type: '),
        ("type='Adam'", "type='Adem'", r'^optim_wrapper\..*optimizer\.type: there is no .*Adam'),
        ("type='LoggerHook'", "type='LogerHook'", r'default_hooks\.logger\.type: .*LoggerHook'),
    ],
)
def test_mistyped_components(tmp_path, old, new, said):
    config = write_toy_config(tmp_path, **{old: new})
    with pytest.raises(ValueError, match=said) as raised:
        _train(config, tmp_path / 'run')
    assert '\n' not in str(raised.value)


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

    monkeypatch.setattr(TrainingRunner, 'train', interrupt)
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
