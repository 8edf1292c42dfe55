import pytest
from commands import CONFIGS

from mmfncontra.commands.configs import list_configs, main
from mmfncontra.config.load import load_config

NAME = 'fncontra/fastgan-offline_64.py'


def test_all_are_listed_but_parts(capsys):
    main([])
    names = capsys.readouterr().out.splitlines()
    assert NAME in names and not any('_base_' in name for name in names)
    assert all((CONFIGS / name).is_file() for name in names) and len(names) > 200


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ([NAME], [NAME]),
        (['projected', '_demo'], ['fncontra/projected_demo.py', 'projected/projected_demo.py']),
        (['sagan/*_64.py'], ['sagan/sagan-cond_64.py']),
    ],
)
def test_some_by_parts_of_their_names(words, expected):
    assert list_configs(words) == expected


def test_no_such_name():
    with pytest.raises(ValueError, match='no config of the package has biggan in its name'):
        main(['biggan'])


def test_a_copy_is_the_same_config_anywhere(tmp_path, capsys):
    main(['--copy', NAME, '--out', str(tmp_path / 'new' / 'mine.py')])
    copy = tmp_path / 'new' / 'mine.py'
    assert capsys.readouterr().out == f'{copy}: change it, and train it by its path\n'
    assert load_config(copy).to_dict() == load_config(CONFIGS / NAME).to_dict()
    assert "_base_ = ['mmfncontra::fastgan/fastgan-offline_64.py'," in copy.read_text()


def test_a_copy_takes_its_own_name_and_replaces_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(['--copy', NAME])
    assert (tmp_path / 'fastgan-offline_64.py').is_file()
    with pytest.raises(ValueError, match=r'fastgan-offline_64\.py is there already: .*--out'):
        main(['--copy', NAME])


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [(['--out', 'a.py'], '--out needs --copy'), (['x', '--copy', NAME], 'takes one name')],
)
def test_options_that_do_not_go_together(arguments, said, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err
