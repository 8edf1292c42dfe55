import pytest

from mmfncontra.utils.checks import check_integers, check_writable


def test_accepts_integers_from_the_minimum_on():
    check_integers(num=1, size=10**12)
    check_integers(0, seed=0)
    check_integers(minimum=3)  # a name like any other


@pytest.mark.parametrize('wrong', [0, -1, 1.0, True, '3', None])
def test_names_the_first_that_is_wrong(wrong):
    with pytest.raises(ValueError, match=rf'^size must be a positive integer, got {wrong!r}$'):
        check_integers(num=2, size=wrong, other='x')


def test_says_the_minimum():
    with pytest.raises(ValueError, match='seed must be an integer of 0 or more, got -1'):
        check_integers(0, seed=-1)
    with pytest.raises(ValueError, match='batch_size must be an integer of 2 or more, got 1'):
        check_integers(2, batch_size=1)


def test_places_to_write(tmp_path):
    (tmp_path / 'file').write_text('')
    assert check_writable(tmp_path / 'a' / 'x.json', '--out') == tmp_path / 'a' / 'x.json'
    assert (tmp_path / 'a').is_dir() and not (tmp_path / 'a' / 'x.json').exists()
    assert check_writable(tmp_path / 'b', '--out', is_folder=True).is_dir()
    for path, is_folder, said in (
        ('a', False, r'^--out must be a file, but .*a is a folder'),
        ('file', True, r'^--out must be a folder, but .*file is a file'),
        ('file/x', False, r'^--out .*file/x cannot be written .* name another place'),
    ):
        with pytest.raises(ValueError, match=said):
            check_writable(tmp_path / path, '--out', is_folder=is_folder)
