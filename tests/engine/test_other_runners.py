"""Our configs in the hands of mmengine's runner and of programs that call it."""

import pytest
import toy_gan  # noqa: F401  registers the toys
from commands import CONFIGS
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmfncontra.apis import prepare_config, run_training
from mmfncontra.apis.train import find_runner
from mmfncontra.config.load import load_config
from mmfncontra.engine import TrainingRunner
from mmfncontra.registry import RUNNERS as OURS


@pytest.fixture
def cfg(toy_config, tmp_path):
    """As other mm projects read a config."""
    cfg = Config.fromfile(toy_config)
    cfg.work_dir = str(tmp_path / 'run')
    return cfg


def test_every_family_names_its_runner():
    for family in ('fastgan/fastgan', 'projected/projected', 'sagan/sagan', 'dcgan/dcgan'):
        assert load_config(CONFIGS / f'{family}.py').runner_type == 'mmfncontra.TrainingRunner'


def test_what_the_config_names_is_built_and_trains(cfg, tmp_path):
    cfg.runner_type = 'mmfncontra.TrainingRunner'
    runner = RUNNERS.build(cfg)
    assert type(runner) is TrainingRunner
    runner.train()
    assert (tmp_path / 'run' / 'iter_4.pth').is_file()


def test_the_plain_runner_is_refused_before_anything_is_made(cfg, tmp_path):
    runner = Runner.from_cfg(cfg)
    with pytest.raises(TypeError, match=r'runner_type names.* got Runner: .*RUNNERS\.build\(cfg\)'):
        runner.train()
    assert not list((tmp_path / 'run').rglob('*.p*g'))


def test_a_derived_runner_trains(toy_config, tmp_path):
    @OURS.register_module(force=True)
    class QuietRunner(TrainingRunner):
        """A runner of somebody's own."""

    options = {'runner_type': 'QuietRunner', 'train_cfg.max_iters': 1}
    cfg = prepare_config(toy_config, work_dir=tmp_path / 'run', cfg_options=options)
    assert isinstance(run_training(cfg), QuietRunner)


@pytest.mark.parametrize('name', ['Runner', 'NoSuchRunner'])
def test_another_runner_is_refused(cfg, name):
    cfg.runner_type = name
    with pytest.raises(ValueError, match=rf"runner_type must be 'mmfncontra\.T.*, got '{name}'"):
        find_runner(cfg)
