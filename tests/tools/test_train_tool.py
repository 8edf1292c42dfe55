import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from toy_config import write_toy_config

ROOT = Path(__file__).parents[2]
TOY = ROOT / 'tests' / 'toys'
ENV = {**os.environ, 'PYTHONPATH': str(TOY), 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}


def _run(*command, cwd, **env):
    return subprocess.run(
        [str(c) for c in command], cwd=cwd, env={**ENV, **env}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def _train(*arguments, cwd):
    return _run(sys.executable, ROOT / 'tools' / 'train.py', *arguments, cwd=cwd)


@pytest.fixture
def toy_config(tmp_path):
    return write_toy_config(tmp_path)


def test_trains(toy_config, tmp_path):
    done = _train(toy_config, '--seed', 3, '--cfg-options', 'train_cfg.max_iters=2', cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == '', done.stderr
    assert done.stdout.splitlines()[-2:] == [
        'done: work_dirs/toy/iter_2.pth',
        'draw from it: python tools/generate.py work_dirs/toy/iter_2.pth --grid',
    ]


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['nowhere.py'], r'config nowhere\.py does not exist'),
        (['toy.py', '--cfg-options', 'train_cfg.max_iter=3'], 'did you mean train_cfg.max_iters'),
        # Found while building, in a constructor of the package.
        (['toy.py', '--cfg-options', 'optim_wrapper.discriminator=3'], r"\['discriminator'\] must"),
    ],
)
def test_mistakes_are_one_line(toy_config, tmp_path, arguments, said):
    done = _train(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(rf'error: .*{said}.*\n', done.stderr), done.stderr


def test_faults_keep_their_traceback(toy_config, tmp_path):
    done = _train('toy.py', '--cfg-options', 'model.generator.width=-1', cwd=tmp_path)
    assert done.returncode == 1 and 'Traceback' in done.stderr and 'RuntimeError' in done.stderr
