"""The projects' commands where nothing is installed."""

import pytest
from commands import ROOT, run_python

PROJECTS = ROOT / 'projects'


@pytest.mark.parametrize(
    'argv',
    [
        ['pcl_sr/run.py', '--quick', '--out', 'out'],
        ['pcl_sr/train.py', PROJECTS / 'pcl_sr/configs/srgan.py'],
        ['ssl/run.py', '--quick', '--out', 'table.md'],
        ['ssl/train.py', PROJECTS / 'ssl/configs/simclr_digits.py'],
    ],
    ids=lambda argv: argv[0],
)
def test_a_missing_package_is_one_line(argv, noise, tmp_path):
    # -S: without the environment's packages.
    done = run_python('-S', PROJECTS / argv[0], *argv[1:], '--data', noise, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count('\n') == 1 and done.stderr.startswith('error: mmfncontra needs torch')
    assert 'make install' in done.stderr
