import sys
from importlib import import_module

import pytest
from commands import ROOT, load_tool, run_python

from mmfncontra.commands.main import COMMANDS, main
from mmfncontra.version import __version__


@pytest.fixture(autouse=True)
def _own_arguments(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmfncontra'])


def _module(name):
    return import_module(f'mmfncontra.commands.{name.replace("-", "_")}')


@pytest.mark.parametrize('words', [[], ['--help'], ['-h']])
def test_without_a_command_all_are_listed(capsys, words):
    main(words)
    shown = capsys.readouterr().out
    for name, what in COMMANDS.items():
        assert f'  {name} ' in shown and what in shown


def test_the_version(capsys):
    main(['--version'])
    assert capsys.readouterr().out == f'mmfncontra {__version__}\n'


@pytest.mark.parametrize(
    ('name', 'said'), [('trian', 'did you mean train'), ('xyz', 'there are train, generate')]
)
def test_another_command_is_refused(name, said):
    with pytest.raises(ValueError, match=rf"no command '{name}'; {said}"):
        main([name])


@pytest.mark.parametrize('name', COMMANDS)
def test_every_command_says_what_it_takes(name, capsys, monkeypatch):
    module = _module(name)
    if hasattr(module, 'run'):  # which takes the signals of this process
        monkeypatch.setattr(module, 'run', module.main)
    with pytest.raises(SystemExit) as left:
        main([name, '--help'])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: mmfncontra {name} ')


def test_every_command_is_listed():
    files = {path.stem for path in (ROOT / 'mmfncontra' / 'commands').glob('[a-z]*.py')}
    assert files - {'main', 'arguments'} == {name.replace('-', '_') for name in COMMANDS}


@pytest.mark.parametrize(
    ('tool', 'name'),
    [
        *((name.replace('-', '_'), name) for name in ('train', 'test', 'generate', 'report')),
        *((name.replace('-', '_'), name) for name in ('check-data', 'ablate', 'compare-results')),
        ('list_components', 'components'),
        ('list_combinations', 'combinations'),
        ('model_converters/fastgan_to_mmfncontra', 'convert-fastgan'),
    ],
)
def test_the_tools_are_the_same_functions(tool, name):
    assert load_tool(tool).main is _module(name).main


def test_as_a_module_in_another_folder(tmp_path):
    """A mistake is one line, and neither torch nor mmengine is imported to find it."""
    code = 'import runpy, sys; sys.argv[1:] = ["train", "nowhere.py"]\ntry:\n'
    code += '    runpy.run_module("mmfncontra", run_name="__main__")\nexcept SystemExit as left:\n'
    code += '    print(left.code, *({"torch", "mmengine"} & sys.modules.keys()))'
    done = run_python('-c', code, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.stdout == '2\n', done.stderr
    assert done.stderr.startswith('error: config nowhere.py does not exist; ')
