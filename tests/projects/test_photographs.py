import re
from pathlib import Path

import pytest
from commands import ROOT

from projects.photographs import default_data, find_data


def test_default_is_the_folder_of_the_variable_or_beside_the_checkout(monkeypatch):
    monkeypatch.setenv('MMFNCONTRA_SHARED', '/some/where')
    assert default_data() == Path('/some/where/data')
    monkeypatch.delenv('MMFNCONTRA_SHARED')
    assert default_data() == ROOT.resolve().parent / 'shared' / 'data'


def test_photographs_are_found_where_both_folders_are(tmp_path, monkeypatch):
    for name in ('shoes', 'hats'):
        (tmp_path / 'data' / name).mkdir(parents=True)
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(tmp_path))
    assert find_data() == tmp_path / 'data'
    monkeypatch.setenv('MMFNCONTRA_SHARED', '/nowhere')
    assert find_data(str(tmp_path / 'data')) == find_data(tmp_path / 'data') == tmp_path / 'data'
    monkeypatch.setenv('HOME', str(tmp_path))
    assert find_data('~/data') == tmp_path / 'data'


@pytest.mark.parametrize(('there', 'lacking'), [((), 'shoes'), (('shoes',), 'hats')])
@pytest.mark.parametrize('is_default', [True, False])
def test_a_folder_that_lacks_one_is_refused_by_its_name(
    there, lacking, is_default, tmp_path, monkeypatch
):
    folder = tmp_path / 'data'
    for name in there:
        (folder / name).mkdir(parents=True)
    # A file of that name is no folder.
    folder.mkdir(exist_ok=True)
    (folder / lacking).touch()
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(tmp_path if is_default else '/nowhere'))
    said = (
        '--data must be a folder that holds the folders shoes and hats, got '
        f'{folder}, which has no folder {lacking}'
    )
    with pytest.raises(ValueError, match=f'^{re.escape(said)}$'):
        find_data(None if is_default else folder)
