import os
import signal
import sys
import time

import pytest
import torch
import toy_gan
from mmengine.dist import is_distributed
from mmengine.hooks import Hook
from toy_config import write_toy_config

from mmfncontra.apis import load_checkpoint_file, load_generator, prepare_config, run_training
from mmfncontra.engine import TrainingRunner
from mmfncontra.launch.command import user_error
from mmfncontra.registry import HOOKS


@HOOKS.register_module()
class TellAfter(Hook):
    """Sends SIGTERM in an iteration."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == self.iteration:
            os.kill(os.getpid(), signal.SIGTERM)


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
    assert shown.out.splitlines()[-1].startswith('draw from it: mmfncontra generate ')
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


def test_resume_sees_the_images_and_noise_of_a_training_never_left(toy_config, tmp_path, drawn):
    indices, noise = drawn
    _train(toy_config, tmp_path / 'whole')
    whole_indices, whole_noise = list(indices), list(noise)
    indices.clear(), noise.clear()
    run = tmp_path / 'run'
    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    _train(toy_config, run, resume=run / 'iter_2.pth')
    assert indices == whole_indices and len(indices) == 16  # nothing is read twice
    assert noise == whole_noise and len(set(noise)) == 4
    for log in run.glob('*/*.log'):
        assert 'Advance dataloader' not in log.read_text()


@pytest.mark.parametrize('change', ['older', 'of more ranks'])
def test_without_its_random_states_a_resumed_training_repeats_none(
    change, toy_config, tmp_path, drawn
):
    run = tmp_path / 'run'
    _, noise = drawn
    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    path = run / 'iter_2.pth'
    checkpoint = load_checkpoint_file(path)
    checkpoint['ranks'] = [] if change == 'older' else checkpoint['ranks'] * 2
    torch.save(checkpoint, path)
    _train(toy_config, run, resume=path)
    again = tmp_path / 'again'
    _train(toy_config, again, resume=path)
    assert len(set(noise)) == 4 and noise[2:4] == noise[4:]


def test_resume_keeps_the_seed_of_the_checkpoint(toy_config, tmp_path, drawn, capsys):
    indices, noise = drawn
    _train(toy_config, tmp_path / 'whole', seed=5)
    whole = list(indices), list(noise)
    indices.clear(), noise.clear()
    run = tmp_path / 'run'
    _train(toy_config, run, seed=5, cfg_options={'train_cfg.max_iters': 2})
    capsys.readouterr()
    _train(toy_config, run, resume=True, seed=6)
    assert (indices, noise) == whole
    assert 'trained with seed 5, which it goes on with, not 6' in capsys.readouterr().err


def test_a_damaged_checkpoint_gives_way_to_the_one_before(toy_config, tmp_path, capsys):
    run = tmp_path / 'run'
    _train(toy_config, run)
    expected = load_checkpoint_file(run / 'iter_4.pth')['state_dict']
    (run / 'iter_4.pth').write_bytes((run / 'iter_4.pth').read_bytes()[:-100])
    (run / 'iter_6.pth.unfinished').write_bytes(b'half')
    _train(toy_config, run, resume=True)
    said = capsys.readouterr().err
    assert 'iter_4.pth is cut short' in said and 'trying the one before' in said
    state = load_checkpoint_file(run / 'iter_4.pth')['state_dict']
    assert all(torch.equal(state[name], value) for name, value in expected.items())
    assert not list(run.glob('*.unfinished'))


@pytest.mark.parametrize('variable', ['TORCHELASTIC_RESTART_COUNT', 'MMFNCONTRA_RESTARTED'])
def test_ranks_that_are_started_again_go_on(variable, toy_config, tmp_path, monkeypatch):
    run, older = tmp_path / 'run', tmp_path / 'older'
    _train(toy_config, older, cfg_options={'train_cfg.max_iters': 1})
    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    assert not prepare_config(toy_config, work_dir=run).resume
    monkeypatch.setenv(variable, '1')
    for resume in (None, older / 'iter_1.pth'):
        cfg = prepare_config(toy_config, work_dir=run, resume=resume)
        assert cfg.resume and cfg.load_from == str(run / 'iter_2.pth')
    # What stood there before the launcher was started is another training's.
    monkeypatch.setenv('MMFNCONTRA_LAUNCHED', str(time.time_ns()))
    assert not prepare_config(toy_config, work_dir=run).resume
    cfg = prepare_config(toy_config, work_dir=run, resume=older / 'iter_1.pth')
    assert cfg.load_from == str(older / 'iter_1.pth')


def test_without_our_checkpoint_hook_a_signal_saves_all_the_same(toy_config, tmp_path):
    cfg = prepare_config(toy_config, work_dir=tmp_path / 'run')
    cfg.default_hooks.checkpoint = None
    cfg.custom_hooks = [dict(type='TellAfter', iteration=1)]
    with pytest.raises(SystemExit) as left:
        run_training(cfg)
    assert left.value.code == 75
    cfg = prepare_config(toy_config, work_dir=tmp_path / 'run', resume=True)
    assert cfg.load_from == str(tmp_path / 'run' / 'iter_2.pth')


def test_a_schedule_that_holds_a_function_is_saved_and_resumed(toy_config, tmp_path):
    def run(folder, iterations, **arguments):
        options = {'train_cfg.max_iters': iterations}
        cfg = prepare_config(toy_config, work_dir=folder, cfg_options=options, **arguments)
        schedule = dict(type='OneCycleLR', eta_max=1e-2, total_steps=4, by_epoch=False, end=4)
        cfg.param_scheduler = dict(generator=[schedule], discriminator=[dict(schedule)])
        return run_training(cfg)

    run(tmp_path / 'whole', 4)
    run(tmp_path / 'run', 2)
    run(tmp_path / 'run', 4, resume=True)
    one, other = (load_checkpoint_file(tmp_path / n / 'iter_4.pth') for n in ('whole', 'run'))
    for name, value in one['state_dict'].items():
        assert torch.equal(value, other['state_dict'][name]), name


def test_a_new_training_in_the_folder_of_another_says_so(toy_config, tmp_path, capsys):
    run = tmp_path / 'run'
    prepare_config(toy_config, work_dir=run)
    assert 'gone on with' not in capsys.readouterr().out
    _train(toy_config, run)
    prepare_config(toy_config, work_dir=run)
    said = capsys.readouterr().out
    assert f'{run} has a training up to iter_4.pth, which is not' in said
    assert f'kept in {run / "earlier_1"}' in said
    time.sleep(1)  # the folder of a start is named after its second
    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    assert (run / 'earlier_1/iter_4.pth').is_file() and not (run / 'iter_4.pth').exists()
    assert len(list(run.glob('*/vis_data'))) == len(list(run.glob('earlier_1/*/vis_data'))) == 1


def test_a_training_that_is_done_says_so(toy_config, tmp_path, capsys):
    _train(toy_config, tmp_path)
    capsys.readouterr()
    _train(toy_config, tmp_path, resume=True)
    assert 'nothing is left to train' in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == 'win32', reason='needs limits of POSIX')
def test_a_full_disk_stops_the_training_and_leaves_the_checkpoint(toy_config, tmp_path):
    run = tmp_path / 'run'
    import resource

    _train(toy_config, run, cfg_options={'train_cfg.max_iters': 2})
    before = (run / 'iter_2.pth').read_bytes()
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, unlimited[1]))
    try:
        with pytest.raises(OSError, match=r'cannot write .*iter_4\.pth: .*iter_2\.pth is as') as e:
            _train(toy_config, run, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        signal.signal(signal.SIGXFSZ, ignored)
    assert '\n' not in user_error(e.value)
    assert (run / 'iter_2.pth').read_bytes() == before
    assert not list(run.glob('iter_4*'))
    _train(toy_config, run, resume=True)
    assert load_checkpoint_file(run / 'iter_4.pth')['meta']['iter'] == 4


def test_checkpoints_are_kept_by_count_and_by_best(toy_config, tmp_path):
    folder = tmp_path / 'run'
    options = {'default_hooks.checkpoint.interval': 1, 'train_cfg.max_iters': 5}
    _train(toy_config, folder, cfg_options=options | {'default_hooks.checkpoint.max_keep_ckpts': 2})
    assert sorted(path.name for path in folder.glob('*.pth')) == ['iter_4.pth', 'iter_5.pth']


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
        _train(toy_config, tmp_path, resume=True)
    assert left.value.code == 130
    last = capfd.readouterr().out.splitlines()[-1]
    if iters_done:
        assert last == (
            f'interrupted; to go on from {tmp_path}/iter_2.pth, run the same command with --resume'
        )
    else:
        assert 'nothing to resume' in last


def test_a_launcher_without_its_variables(toy_config, tmp_path, monkeypatch):
    monkeypatch.setattr('mmfncontra.launch.cpu_distributed.get_device', lambda: 'cpu')
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r'RANK, .*tools/dist_train\.sh'):
        _train(toy_config, tmp_path, launcher='pytorch')
    with pytest.raises(ValueError, match=r"launcher='slurm' needs GPUs"):
        _train(toy_config, tmp_path, launcher='slurm')
    assert not is_distributed()


def test_a_config_in_the_work_dir_is_not_overwritten(toy_config, tmp_path):
    before = toy_config.read_text()
    _train(toy_config, tmp_path, cfg_options={'train_cfg.max_iters': 2})
    assert toy_config.read_text() == before
