import pytest
from commands import CONFIGS, ROOT

from mmfncontra.apis.catalogue import combinations
from mmfncontra.config.components import import_custom_modules
from mmfncontra.config.load import load_config


@pytest.fixture(scope='module', autouse=True)
def _imports():
    import_custom_modules(load_config(CONFIGS / 'fastgan/fastgan-offline_64.py'))


def rows():
    """Cells of the table in the documentation by addition and baseline."""
    lines = (ROOT / 'docs' / 'combinations.md').read_text().splitlines()
    table = [
        [cell.strip() for cell in line.strip('|').split('|')] for line in lines if line[:1] == '|'
    ]
    head = table[0][1:]
    body = table[2 : 2 + len(combinations.ADDITIONS)]
    return {row[0]: dict(zip(head, row[1:], strict=True)) for row in body}


@pytest.mark.parametrize('addition', combinations.ADDITIONS)
def test_page_says_what_is(addition):
    assert set(rows()) == set(combinations.ADDITIONS)
    assert list(rows()[addition]) == list(combinations.BASELINES)
    for baseline in ('FastGAN', 'Projected', 'DCGAN'):
        error = combinations._try(CONFIGS, baseline, addition)
        assert rows()[addition][baseline].startswith('no (' if error else 'yes'), error
        if error:
            assert f'`{error}`' in (ROOT / 'docs' / 'combinations.md').read_text()


def test_pair_that_refuses():
    error = combinations._try(CONFIGS, 'FastGAN', 'R1', 'CHAIN')
    assert error.startswith('R1Penalty in disc_auxiliary_losses differentiates')
    assert f'R1 with CHAIN: `{error}`' in (ROOT / 'docs' / 'combinations.md').read_text()


def test_everything_at_once():
    additions = [name for name in combinations.ADDITIONS if name not in ('R1', 'path lengths')]
    assert combinations._try(CONFIGS, 'FastGAN-Dbig', *additions) == ''
