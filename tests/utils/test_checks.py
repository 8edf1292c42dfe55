import math
from fractions import Fraction

import numpy as np
import pytest

from mmfncontra.utils.checks import (
    check_image,
    check_images,
    check_integers,
    check_not_negative,
    check_positive,
    check_writable,
)


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


NUMBERS = [3, 1e-30, 1e300, Fraction(1, 3), np.float64(0.5), np.float32(0.5), np.int64(2)]


@pytest.mark.parametrize('number', [*NUMBERS, np.float16(0.5), np.uint8(1)])
def test_accepts_finite_numbers_of_any_kind(number):
    check_positive(temperature=1, sigma=number)
    check_not_negative(loss_weight=0, hardness=number)


@pytest.mark.parametrize('zero', [0, 0.0, -0.0, np.float32(0)])
def test_zero_is_not_positive_and_not_negative(zero):
    check_not_negative(loss_weight=zero)
    with pytest.raises(ValueError) as error:
        check_positive(loss_weight=zero)
    assert str(error.value) == f'loss_weight must be positive, got {zero!r}'


@pytest.mark.parametrize('check', [check_positive, check_not_negative])
@pytest.mark.parametrize('wrong', [-1, -1e-30, math.inf, -math.inf, math.nan, np.float32(math.inf)])
def test_names_the_first_that_is_out_of_range(check, wrong):
    wanted = 'positive' if check is check_positive else '0 or more'
    with pytest.raises(ValueError) as error:
        check(sigma=2, temperature=wrong, other='x')
    assert str(error.value) == f'temperature must be {wanted}, got {wrong!r}'


@pytest.mark.parametrize('check', [check_positive, check_not_negative])
@pytest.mark.parametrize('wrong', ['hot', '0.5', '', None, [1.0], 1j])
def test_names_the_first_that_is_no_number(check, wrong):
    with pytest.raises(ValueError) as error:
        check(sigma=2, temperature=wrong, other=-1)
    assert str(error.value) == f'temperature must be a number, got {wrong!r}'


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


@pytest.mark.parametrize('wrong', [[1], np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4, 3))])
def test_refuses_what_is_no_image(wrong):
    with pytest.raises(ValueError, match=r'^img must be a uint8 RGB array \(H, W, 3\), got '):
        check_image(wrong, 'img')
    with pytest.raises(ValueError, match=r'^fake must be a non-empty uint8 RGB array'):
        check_images([wrong] if isinstance(wrong, list) else wrong[None], 'fake')


def test_counts_images():
    images = np.zeros((3, 4, 4, 3), np.uint8)
    check_images(images, minimum=3)
    with pytest.raises(ValueError, match=r'^fake must hold 4 images or more, got 3$'):
        check_images(images, 'fake', minimum=4)
