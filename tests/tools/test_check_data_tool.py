import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmfncontra.launch.command import run_command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('check_data', ROOT / 'tools' / 'check_data.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / 'images'
    root.mkdir()
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)):
        Image.fromarray(image).save(root / f'{i}.png')
    return root


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
        (['--config', str(ROOT / 'configs/fncontra/fastgan_shells.py'), '--size', '96'],
         '--size 96: this config is for 64, 128, 256, 512, 1024'),
        (['--size', '64x32'], '--size 64x32: images must be square as yet'),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tool, folder, arguments, said, capsys):
    assert run(tool, folder, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1


def test_nothing_there(tool, tmp_path, capsys):
    assert run(tool, tmp_path / 'nowhere') == 2
    assert 'nothing at' in capsys.readouterr().err
