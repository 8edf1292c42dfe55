import re

import pytest
from commands import ROOT, run_python


def _train(*arguments, cwd):
    paths = str(ROOT / 'tests' / 'toys')
    return run_python(ROOT / 'tools' / 'train.py', *arguments, cwd=cwd, PYTHONPATH=paths)


def test_trains(toy_config, tmp_path):
    done = _train(toy_config, '--seed', 3, '--cfg-options', 'train_cfg.max_iters=2', cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == '', done.stderr
    assert done.stdout.splitlines()[-2:] == [
        'done: work_dirs/toy/iter_2.pth',
        f'draw from it: python {ROOT}/tools/generate.py work_dirs/toy/iter_2.pth --grid',
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
