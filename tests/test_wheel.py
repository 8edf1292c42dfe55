"""The package installed from a wheel, without the checkout, in a folder of a reader's own."""

import os
import shutil

import pytest
from commands import ROOT, run, run_python
from pictures import write_images

NAME = 'fncontra/fastgan-offline_64.py'
SOURCES = ('mmfncontra', 'configs', 'tools')
SMALL = (
    *('model.generator.base_channels=4', 'model.discriminator.base_channels=4'),
    *('train_dataloader.batch_size=2', 'train_dataloader.num_workers=0'),
    *('train_dataloader.persistent_workers=False', 'default_hooks.samples.num_images=1'),
    *('val_cfg=None', 'val_dataloader=None', 'val_evaluator=None', 'train_cfg.max_iters=1'),
)
OWN = """\
_base_ = ['mmfncontra::fncontra/fastgan-offline_64.py']
model = dict(generator=dict(base_channels=4), discriminator=dict(base_channels=4))
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
train_cfg = dict(max_iters=2)
default_hooks = dict(samples=dict(num_images=1))
val_cfg = val_dataloader = val_evaluator = None
"""
# Several commands in one process, which imports torch once.
AFTERWARDS = """\
from mmfncontra.commands import check_data, report, train
train.main(['mine.py', '--data', 'photos', '--work-dir', '{work_dir}', '--resume'])
report.main(['{work_dir}'])
check_data.main(['photos', '--no-measure'])
"""


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """Where pip has put the package that it built, without a network."""
    source, site = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('site')
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__'))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, source)
    pip = ('-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--no-build-isolation')
    done = run_python(*pip, '--no-warn-script-location', '--target', site, source)
    assert done.returncode == 0, done.stderr
    return site


def test_it_brings_what_is_beside_the_package(site):
    configs = {p.relative_to(ROOT / 'configs') for p in (ROOT / 'configs').rglob('*.py')}
    mim = site / 'mmfncontra' / '.mim'
    assert {p.relative_to(mim / 'configs') for p in (mim / 'configs').rglob('*.py')} == configs
    assert (mim / 'model-index.yml').is_file() and (mim / 'tools' / 'dist_train.sh').is_file()
    assert os.access(mim / 'tools' / 'train.py', os.X_OK)
    templates = 'visualization/report/templates/report.html'
    assert (site / 'mmfncontra' / templates).read_text() == (
        ROOT / 'mmfncontra' / templates
    ).read_text()


def test_it_trains_and_reports_in_any_folder(site, tmp_path):
    pytest.importorskip('stlpips_pytorch', reason='the extra pretrained is not installed')
    write_images(tmp_path / 'photos')

    place = dict(cwd=tmp_path, PYTHONPATH=str(site))
    command = site / 'bin' / 'mmfncontra'
    done = run(command, 'train', NAME, '--data', 'photos', '--cfg-options', *SMALL, **place)
    assert done.returncode == 0, done.stderr
    work_dir = 'work_dirs/fncontra/fastgan-offline_64'
    assert done.stdout.splitlines()[-2:] == [
        f'done: {work_dir}/iter_1.pth',
        f'draw from it: mmfncontra generate {work_dir}/iter_1.pth --grid',
    ]
    (tmp_path / 'mine.py').write_text(OWN)
    done = run_python('-c', AFTERWARDS.format(work_dir=work_dir), **place)
    assert done.returncode == 0, done.stderr
    assert f'done: {work_dir}/iter_2.pth' in done.stdout
    assert 'Ready: mmfncontra train fncontra/fastgan' in done.stdout
    assert (tmp_path / work_dir / 'report.html').is_file()


def test_the_source_distribution_is_the_checkout(tmp_path):
    """What the manifest lists, as setuptools reads it; nothing is built."""
    code = 'import sys, setuptools; sys.argv[1:] = ["-q", "egg_info", "-e", sys.argv[1]]\n'
    code += 'exec(compile(open("setup.py").read(), "setup.py", "exec"))'
    done = run_python('-c', code, tmp_path, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    listed = (tmp_path / 'mmfncontra.egg-info' / 'SOURCES.txt').read_text().splitlines()
    tracked = run('git', 'ls-files', cwd=ROOT)
    if tracked.returncode:
        pytest.skip('this is no checkout of git')
    left_out = {name for name in tracked.stdout.splitlines() if '"' not in name} - set(listed)
    assert left_out <= {'.gitignore', '.gitattributes', '.python-version'}, sorted(left_out)
    assert not any('__pycache__' in name or name.endswith('.pyc') for name in listed)
