import math

import pytest
from commands import CONFIGS
from mmengine.config import Config

from mmfncontra.config.recorded import (
    ABSENT,
    describe_changes,
    find_changes,
    is_recorded_config,
    read_settings,
)


@pytest.mark.parametrize(
    'name', ['fncontra/fastgan-offline_64.py', 'fncontra/stylegan2-ada_64.py', 'dcgan/dcgan.py']
)
def test_what_is_written_is_read_as_it_was(name):
    cfg = Config.fromfile(CONFIGS / name, import_custom_modules=False)
    assert find_changes(read_settings(cfg.pretty_text), cfg._cfg_dict) == {}
    cfg.train_cfg.max_iters = 7
    assert list(find_changes(read_settings(cfg.pretty_text), cfg._cfg_dict)) == []


def test_values_are_those_of_python():
    settings = read_settings("a = -1e-3\nb = dict({64: dict(x=(1, None))}, y=inf)\nc = 'ä'\n")
    assert settings == dict(a=-1e-3, b={64: dict(x=[1, None]), 'y': math.inf}, c='ä')


@pytest.mark.parametrize(
    'text',
    [
        "__import__('os').system('echo no')",
        "a = __import__('os').getcwd()",
        'a = dict(**b)',
        'a = dict(1)',
        'a = (lambda: 1)()',
        'a = [x for x in (1, 2)]',
        'a = (',
        'a = ' + '[' * 5000,
        'a = {[]: 1}',
        None,
        b'a = 1',
    ],
)
def test_nothing_else_is_read_nor_run(text):
    settings = read_settings(text)
    assert settings is None or settings == {}


def test_changes_by_dotted_key():
    before = dict(
        model=dict(type='A', width=4),
        optim_wrapper=dict(generator=dict(optimizer=dict(betas=(0.5, 0.9), lr=1e-3))),
        custom_hooks=[dict(type='B', interval=1)],
        work_dir='a',
        helper=1,
    )
    now = dict(
        model=dict(type='A', width=4, contrast=None),
        optim_wrapper=dict(generator=dict(optimizer=dict(betas=[0.5, 0.9], lr=1e-6))),
        custom_hooks=[dict(type='B', interval=2)],
        work_dir='b',
        helper=2,
        train_cfg=dict(max_iters=4),
    )
    changes = find_changes(before, now)
    assert changes == {
        'optim_wrapper.generator.optimizer.lr': (1e-3, 1e-6),
        'custom_hooks.0.interval': (1, 2),
        'train_cfg.max_iters': (ABSENT, 4),
    }
    assert describe_changes(changes).endswith('max_iters (none) → 4, custom_hooks.0.interval 1 → 2')


def test_a_line_of_many_changes_ends():
    line = describe_changes({f'model.{i}': ('x' * 99, i) for i in range(12)})
    assert line.endswith('and 4 more') and '…' in line and len(line) < 600


def test_a_config_that_a_training_wrote_is_told_from_others(tmp_path):
    path = CONFIGS / 'fncontra/fastgan-offline_64.py'
    cfg = Config.fromfile(path, import_custom_modules=False)
    cfg.work_dir = 'run'
    cfg.dump(tmp_path / 'a.py')
    (tmp_path / 'b.py').write_text('import os\n')
    (tmp_path / 'c.py').write_bytes(b'\xff')
    assert is_recorded_config(tmp_path / 'a.py')
    assert not any(map(is_recorded_config, [path, *(tmp_path / f'{n}.py' for n in 'bcd')]))
