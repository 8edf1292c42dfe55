from pathlib import Path

import pytest
from toy_config import write_toy_config

from mmfncontra.apis import prepare_config


def test_defaults(toy_config):
    cfg = prepare_config(toy_config)
    assert cfg.work_dir == 'work_dirs/toy'
    assert cfg.launcher == 'none'
    assert cfg.randomness.seed == 0
    assert not cfg.get('resume') and cfg.get('load_from') is None


def test_arguments_reach_the_config(toy_config, tmp_path):
    cfg = prepare_config(
        toy_config,
        work_dir=tmp_path / 'run',
        cfg_options={'train_cfg.max_iters': 20},
        launcher='pytorch',
        seed=5,
    )
    assert cfg.work_dir == str(tmp_path / 'run')
    assert (cfg.train_cfg.max_iters, cfg.launcher) == (20, 'pytorch')
    assert cfg.randomness == dict(seed=5, diff_rank_seed=True)


@pytest.mark.parametrize(
    ('place', 'work_dir'),
    [
        ('configs/fncontra/a.py', 'work_dirs/fncontra/a'),
        ('configs/fncontra/ablations/a_db2.2.py', 'work_dirs/fncontra/ablations/a_db2.2'),
        ('configs/b/configs/a.py', 'work_dirs/a'),
        ('elsewhere/a.py', 'work_dirs/a'),
    ],
)
def test_default_work_dir(toy_config, tmp_path, monkeypatch, place, work_dir):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    toy_config.rename(path)
    assert prepare_config(path).work_dir == work_dir
    monkeypatch.chdir(path.parent)
    assert prepare_config(path.name).work_dir == work_dir


def test_the_size_is_in_the_default_work_dir(tmp_path):
    config = Path(__file__).parents[2] / 'configs/fncontra/fastgan-offline.py'
    cfg = prepare_config(config, data=tmp_path, size='64', cfg_options={'train_cfg.max_iters': 5})
    assert cfg.work_dir == 'work_dirs/fncontra/fastgan-offline_64'
    assert cfg.model.generator.out_size == 64 and cfg.train_cfg.max_iters == 5


def test_not_a_training(tmp_path):
    (tmp_path / 'a.py').write_text('model = dict()')
    with pytest.raises(ValueError, match='has no train_dataloader'):
        prepare_config(tmp_path / 'a.py')


def test_a_module_that_is_not_there(tmp_path):
    path = write_toy_config(tmp_path, **{"'toy_gan'": "'no_such_module'"})
    with pytest.raises(ImportError, match=r'cannot import no_such_module'):
        prepare_config(path)


@pytest.mark.parametrize('bad', [dict(seed=-1), dict(launcher='ray')])
def test_arguments_are_checked(toy_config, bad):
    with pytest.raises(ValueError, match=f'{next(iter(bad))} must be'):
        prepare_config(toy_config, **bad)
