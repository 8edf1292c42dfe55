import configparser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from mmfncontra.utils import versions

SETUP = Path(__file__).parents[2] / 'setup.cfg'


def _pretend(monkeypatch, **found):
    found = {name.replace('_', '-'): version for name, version in found.items()}
    real = versions.installed_version

    def installed_version(name):
        if name not in found:
            return real(name)
        return None if found[name] is None else Version(found[name])

    monkeypatch.setattr(versions, 'installed_version', installed_version)


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
    assert '\n' not in str(raised.value)


def test_full_mmcv_will_do(monkeypatch):
    _pretend(monkeypatch, mmcv='2.1.0', mmcv_lite=None)
    versions.check_versions()


def _bounds(specifiers: SpecifierSet) -> tuple[Version, str]:
    lower = [Version(s.version) for s in specifiers if s.operator == '>=']
    upper = [s.version for s in specifiers if s.operator == '<']
    return max(lower, default=Version('0')), min(upper, default='')


@pytest.mark.skipif(not SETUP.exists(), reason='not in a checkout')
def test_the_check_is_never_laxer_than_setup_cfg():
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    lines = setup['options']['install_requires'] + setup['options.extras_require']['lite']
    told = {r.name: r.specifier for r in map(Requirement, lines.split('\n')[1:])}
    checked = {**versions.REQUIREMENTS, 'mmcv-lite': versions.MMCV}
    for name, specifier in checked.items():
        lower, upper = _bounds(SpecifierSet(specifier))
        told_lower, told_upper = _bounds(told[name])
        assert lower >= told_lower and upper == told_upper, name
