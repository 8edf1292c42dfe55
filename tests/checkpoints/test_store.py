import os
from pathlib import Path

import pytest
import torch

from mmfncontra.checkpoints.store import (
    check_finite,
    checkpoints_of,
    latest_checkpoint,
    write_pointer,
)
from mmfncontra.utils.files import remove_unfinished, whole_file


def make(folder, *numbers, pointer=None):
    for age, number in enumerate(reversed(numbers)):
        path = folder / f'iter_{number}.pth'
        path.write_text(str(number))
        os.utime(path, (1000 - age, 1000 - age))
    if pointer is not None:
        (folder / 'last_checkpoint').write_text(str(pointer))
        os.utime(folder / 'last_checkpoint', (1000, 1000))


def names(paths):
    return [path.name for path in paths]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / 'metrics').mkdir()
    with whole_file(tmp_path / 'iter_2.pth') as unfinished:
        unfinished.write_text('')
        for folder in (tmp_path, tmp_path / 'metrics'):
            (folder / f'of_another_{unfinished.name}').write_text('half')
    assert len(list(tmp_path.iterdir())) == 3 and names(checkpoints_of(tmp_path)) == ['iter_2.pth']
    remove_unfinished(tmp_path)
    assert names(tmp_path.rglob('*.*')) == ['iter_2.pth']


@pytest.mark.parametrize(
    ('pointer', 'expected'),
    [
        ('iter_10.pth', [10, 4, 2]),
        # Of a longer training that was here before.
        ('iter_4.pth', [4, 2]),
        ('/before/the/move/iter_4.pth', [4, 2]),
        # Without a pointer that leads anywhere: by number.
        ('iter_99.pth', [10, 4, 2]),
        ('', [10, 4, 2]),
        (None, [10, 4, 2]),
    ],
)
def test_which_comes_first(pointer, expected, tmp_path):
    make(tmp_path, 10, 2, 4, pointer=pointer)
    assert names(checkpoints_of(tmp_path)) == [f'iter_{number}.pth' for number in expected]


def test_a_path_of_bytes_that_are_no_text_is_pointed_to(tmp_path):
    folder = tmp_path / os.fsdecode(b'l\xe4ufe')
    folder.mkdir()
    make(folder, 2, 4)
    write_pointer(folder, folder / 'iter_2.pth')
    assert b'l\xe4ufe' in (folder / 'last_checkpoint').read_bytes()
    write_pointer(tmp_path, tmp_path / 'läufe' / 'iter_2.pth')
    assert (tmp_path / 'last_checkpoint').read_text(encoding='utf-8').endswith('läufe/iter_2.pth')


def test_one_written_after_the_pointer_comes_first(tmp_path):
    make(tmp_path, 2, 4, 6, pointer='iter_4.pth')
    os.utime(tmp_path / 'iter_6.pth', (1001, 1001))
    assert names(checkpoints_of(tmp_path)) == ['iter_6.pth', 'iter_4.pth', 'iter_2.pth']


def test_a_copied_folder_does_not_lead_to_where_it_came_from(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        make(tmp_path / name, 2, pointer=tmp_path / 'a' / 'iter_2.pth')
    assert latest_checkpoint(tmp_path / 'b') == tmp_path / 'b' / 'iter_2.pth'


def test_a_checkpoint_elsewhere_is_found_by_the_pointer(tmp_path):
    (tmp_path / 'run').mkdir()
    make(tmp_path, 3)
    write_pointer(tmp_path / 'run', tmp_path / 'iter_3.pth')
    assert latest_checkpoint(tmp_path / 'run') == tmp_path / 'iter_3.pth'


def test_a_damaged_one_gives_way_to_the_one_before(tmp_path, capsys):
    make(tmp_path, 2, 4, 6, pointer='iter_6.pth')

    def check(path: Path) -> None:
        if path.name == 'iter_6.pth':
            raise ValueError(f'checkpoint {path} is damaged')

    assert latest_checkpoint(tmp_path, check).name == 'iter_4.pth'
    said = capsys.readouterr().err
    assert said == (
        f'warning: checkpoint {tmp_path}/iter_6.pth is damaged; trying the one before\n'
    )


def test_only_damaged_ones_are_an_error(tmp_path):
    make(tmp_path, 2, 4, pointer='iter_4.pth')

    def check(path: Path) -> None:
        raise ValueError(f'{path.name} is damaged')

    with pytest.raises(ValueError, match=r'no checkpoint of .* \(iter_4.pth is damaged\); to') as e:
        latest_checkpoint(tmp_path, check)
    assert '\n' not in str(e.value)


def test_nothing_there(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / 'nowhere') is None


def test_weights_that_are_no_numbers(tmp_path):
    checkpoint = dict(
        meta=dict(epoch=0, iter=2, seed=0),
        message_hub={},
        optimizer={},
        state_dict={'generator.a': torch.zeros(2), 'generator.steps': torch.tensor(2)},
    )
    torch.save(checkpoint, tmp_path / 'a.pth')
    check_finite(tmp_path / 'a.pth')
    for bad in (torch.nan, -torch.inf):
        checkpoint['state_dict']['generator.b'] = torch.tensor([0.0, bad])
        torch.save(checkpoint, tmp_path / 'a.pth')
        with pytest.raises(ValueError, match=r'a\.pth holds .* not finite, in generator\.b'):
            check_finite(tmp_path / 'a.pth')


def test_a_path_may_be_bytes_that_are_no_text(tmp_path):
    folder = tmp_path / 'caf\udce9 läufe'
    folder.mkdir()
    paths = [folder / f'iter_{i}.pth' for i in (1, 2)]
    for path in paths:
        path.write_bytes(b'')
    write_pointer(folder, paths[0])
    assert (folder / 'last_checkpoint').read_bytes() == os.fsencode(paths[0])
    assert checkpoints_of(folder)[0] == paths[0]
