import configparser
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from mmfncontra.compat import versions
from mmfncontra.compat.versions import is_within, release

ROOT = Path(__file__).parents[2]
SETUP = ROOT / 'setup.cfg'
TOOLS = ('train.py', 'generate.py', 'model_converters/fastgan_to_mmfncontra.py')


def _pretend(monkeypatch, **found):
    found = {name.replace('_', '-'): version for name, version in found.items()}
    real = versions.installed_version
    monkeypatch.setattr(
        versions, 'installed_version', lambda name: found[name] if name in found else real(name)
    )


def test_this_installation_is_fine():
    versions.check_versions()


@pytest.mark.parametrize(
    ('found', 'said'),
    [
        (dict(diffusers='0.30.0'), "diffusers>=0.23,<0.29, but 0.30.0 is installed: pip install '"),
        (dict(huggingface_hub='0.26.1'), 'huggingface-hub<0.26, but 0.26.1'),
        (dict(transformers='4.49.0'), 'transformers>=4.27.4,<4.49, but 4.49.0'),
        (dict(albumentations=None), 'albumentations>=1.4,<2, but it is not installed'),
        (dict(mmagic=None), "it is not installed: pip install --no-deps 'mmagic>=1.2,<1.3'"),
        (dict(mmengine='0.9.0'), 'mmengine>=0.10.4,<0.11, but 0.9.0'),
        (dict(mmcv='2.2.0'), 'mmcv>=2.0,<2.2, but 2.2.0'),
        (dict(mmcv=None, mmcv_lite=None), 'mmcv-lite>=2.0,<2.2, but it is not installed'),
        (dict(click=None), "click, but it is not installed: pip install 'click'"),
        (dict(PyWavelets=None), 'PyWavelets>=1.6, but it is not installed'),
        (dict(packaging=None), 'packaging>=22, but it is not installed'),
        (dict(torch='2.13.0'), 'torch>=2.6,<2.12, but 2.13.0'),
        (
            dict(torch='2.11.0+cpu', torchvision='0.25.0'),
            "torchvision 0.25.0 does not work with torch 2.11.0+cpu: pip install 'torch==2.11.*' "
            "'torchvision==0.26.*'",
        ),
    ],
)
def test_one_sentence_says_what_to_install(monkeypatch, found, said):
    _pretend(monkeypatch, **found)
    with pytest.raises(ImportError) as raised:
        versions.check_versions()
    assert said in str(raised.value)
    assert str(raised.value).endswith('make install') and '\n' not in str(raised.value)


def test_opencv_from_any_distribution(monkeypatch):
    monkeypatch.setattr(versions, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'needs opencv-python-headless>=4\.8'):
        versions.check_versions()


def test_full_mmcv_will_do(monkeypatch):
    _pretend(monkeypatch, mmcv='2.1.0', mmcv_lite=None)
    versions.check_versions()


@pytest.mark.parametrize(
    'found', ['2', '2.0.0', '2.6', '2.9.1', '2.11.0', '2.12', '2.12.0', '10.1']
)
@pytest.mark.parametrize('bounds', ['', '>=2', '>=2.6,<2.12', '<2.11', '>=2.9.1,<10'])
def test_versions_compare_as_pip_says(found, bounds):
    assert is_within(found, bounds) == (found in SpecifierSet(bounds))


def test_release():
    assert [release(v) for v in ('2.11.0+cpu', '2.11rc1', '10', '0.0')] == [
        (2, 11),
        (2, 11),
        (10,),
        (),
    ]
    assert release('1.26.4') == Version('1.26.4').release


@pytest.mark.skipif(not SETUP.exists(), reason='not in a checkout')
def test_the_check_says_the_same_as_setup_cfg():
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    lines = setup['options']['install_requires'] + setup['options.extras_require']['lite']
    told = {r.name.lower(): r.specifier for r in map(Requirement, lines.split('\n')[1:])}
    checked = {**versions.REQUIREMENTS, 'mmcv-lite': versions.MMCV}
    checked |= dict([versions.OPENCV])
    assert {name.lower(): SpecifierSet(bounds) for name, bounds in checked.items()} == told


@pytest.mark.parametrize('tool', TOOLS)
def test_tools_speak_where_no_package_is_installed(tool, tmp_path):
    # `-S`: the standard library alone; the site packages are left out.
    command = [sys.executable, '-S', ROOT / 'tools' / tool]
    arguments = ['a.pth', 'b.pth'] if 'converter' in tool else ['a.pth']
    done = subprocess.run(
        [*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, ''), done.stderr
    assert done.stderr == (
        'error: mmfncontra needs torch>=2.6,<2.12, but it is not installed: '
        "pip install 'torch>=2.6,<2.12', or set everything up with: make install\n"
    )
    shown = subprocess.run([*command, '--help'], capture_output=True, text=True, check=False)
    assert shown.returncode == 0 and shown.stdout.startswith('usage: ')
