import json

import pytest
from commands import CONFIGS, load_tool
from pictures import write_images

from mmfncontra.launch.command import run_command


@pytest.fixture
def tool():
    return load_tool('check_data')


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / 'images', num=4)


def run(tool, *arguments):
    with pytest.raises(SystemExit) as left:
        run_command(lambda: tool.main([*map(str, arguments), '--no-measure']))
    return left.value.code


def test_ready(tool, folder, tmp_path, capsys):
    assert run(tool, folder, '--json', tmp_path / 'check.json') == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(folder) and lines[-1].startswith('Ready: ')
    assert json.loads((tmp_path / 'check.json').read_text())['trainable']


def test_to_repair(tool, folder, capsys):
    assert run(tool, folder, '--size', 128) == 1
    shown = capsys.readouterr().out
    assert '4 files smaller than 128 pixels' in shown and 'take --size 64' in shown


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--size', '0'], 'size must be a positive integer'),
        (['--config', 'configs/fncontra/fastgan_65.py'], 'does not exist; did you mean'),
        (['--config', str(CONFIGS / 'fncontra/fastgan_shells.py'), '--size', '96'],
         '--size 96: this config is for 64, 128, 256, 512, 1024'),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tool, folder, arguments, said, capsys):
    assert run(tool, folder, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1


def test_nothing_there(tool, tmp_path, capsys):
    assert run(tool, tmp_path / 'nowhere') == 2
    assert 'nothing at' in capsys.readouterr().err
