import numpy as np
import pytest
import torch
from commands import load_tool
from PIL import Image
from toy_config import write_toy_config
from toy_gan import ToyGenerator

from mmfncontra.apis import load_generator, sample_images
from mmfncontra.launch.command import run_command


@pytest.fixture
def checkpoint(tmp_path):
    write_toy_config(tmp_path)
    state = {f'generator_ema.module.{k}': v for k, v in ToyGenerator(width=4).state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'iter_4.pth')
    return tmp_path / 'iter_4.pth'


def _images(folder, num):
    return np.stack([np.asarray(Image.open(folder / f'{i:06d}.png')) for i in range(num)])


def test_numbered_files_and_a_grid(checkpoint, tmp_path, capsys):
    load_tool('generate').main([str(checkpoint), '--num', '5', '--batch-size', '2', '--grid'])
    out = tmp_path / 'generated'
    assert sorted(p.name for p in out.iterdir()) == [
        *(f'{i:06d}.png' for i in range(5)),
        'grid.png',
    ]
    shown = capsys.readouterr()
    assert shown.err == '' and shown.out.splitlines()[-1] == f'5 images in {out}'
    expected = sample_images(load_generator(checkpoint), 5, batch_size=2)
    np.testing.assert_array_equal(_images(out, 5), expected)


def test_a_seed_repeats(checkpoint, tmp_path):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        load_tool('generate').main(
            [str(checkpoint), '--num', '3', '--seed', str(seed), '--out', str(tmp_path / name)]
        )
    a, b, c = (_images(tmp_path / name, 3) for name in 'abc')
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--num', '0'], 'num must be 1 or more'),
        (['--batch-size', '0'], 'batch_size must be 1 or more'),
        (['--no-ema'], 'no plain weights'),
        (['--device', 'nonsense'], "device 'nonsense' cannot be used"),
        (['--num', '5000', '--grid'], 'a grid shows at most'),
        (['--out', __file__], 'out must be a folder'),
    ],
)
def test_mistakes_are_one_line(checkpoint, arguments, said, capsys):
    with pytest.raises(SystemExit) as left:
        run_command(lambda: load_tool('generate').main([str(checkpoint), *arguments]))
    error = capsys.readouterr().err
    assert left.value.code == 2 and said in error and error.count('\n') == 1
