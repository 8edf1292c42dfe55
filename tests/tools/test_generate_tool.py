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


def _draw(checkpoint, *arguments):
    load_tool('generate').main([str(checkpoint), '--num', '2', *arguments])


def test_draws_are_kept_apart(checkpoint, tmp_path, capsys):
    out = tmp_path / 'out'
    _draw(checkpoint, '--out', str(out), '--grid')
    before = _images(out, 2)
    for arguments in (['--seed', '1'], ['--truncation', '0.7'], ['--label', '3']):
        wanted = r'3 of iter_4\.pth .*, seed 0\).*name another folder as out'
        with pytest.raises(ValueError, match=wanted):
            _draw(checkpoint, '--out', str(out), *arguments)
    np.testing.assert_array_equal(_images(out, 2), before)
    # The same draw again, and more of it or less.
    load_tool('generate').main([str(checkpoint), '--num', '5', '--out', str(out)])
    (out / 'mine.jpg').write_bytes(b'a picture')
    _draw(checkpoint, '--out', str(out))
    assert '3 more of the same draw and 1 by other names' in capsys.readouterr().out


def test_the_default_folder_is_not_shared_by_draws(checkpoint, tmp_path, capsys):
    other = checkpoint.with_name('iter_5.pth')
    state = torch.load(checkpoint)
    state['state_dict'] = {name: value + 1 for name, value in state['state_dict'].items()}
    torch.save(state, other)
    _draw(checkpoint)
    _draw(other)
    _draw(other, '--seed', '3')
    said = capsys.readouterr().out
    names = ['generated', 'generated_iter_5_seed_0', 'generated_iter_5_seed_3']
    assert sorted(p.name for p in tmp_path.glob('generated*')) == names
    assert 'has images of another draw: these go into' in said
    assert all(len(list((tmp_path / name).iterdir())) == 2 for name in names)


def test_numbered_images_of_unknown_origin_are_not_replaced(checkpoint, tmp_path):
    photograph = tmp_path / '000000.png'
    Image.new('RGB', (4, 4)).save(photograph)
    before = photograph.read_bytes()
    with pytest.raises(ValueError, match='1 of unknown origin'):
        _draw(checkpoint, '--out', str(tmp_path))
    assert photograph.read_bytes() == before
