import numpy as np
import pytest

from mmfncontra.evaluation.functional import discriminator_view

REAL, HELDOUT, FAKE = np.array([3.0, 1.0, -1.0, 5.0]), np.array([1.0, -1.0]), np.array([[-2.0]])


def test_only_what_is_given():
    assert discriminator_view(REAL) == dict(r_t=0.5)
    assert discriminator_view(REAL, HELDOUT) == dict(r_t=0.5, gap=2)
    assert discriminator_view(REAL, fake_logits=FAKE) == dict(r_t=0.5, separation=4)
    assert discriminator_view(REAL, HELDOUT, FAKE) == dict(r_t=0.5, gap=2, separation=4, r_v=0.5)


def test_zero_is_neither_real_nor_generated():
    assert discriminator_view([0, 1, -1, 0])['r_t'] == 0


def test_maps_of_logits_count_as_many():
    maps = np.arange(-3, 9, dtype=np.float32).reshape(2, 1, 2, 3)
    assert discriminator_view(maps)['r_t'] == pytest.approx((8 - 3) / 12)


def test_extremes():
    # Held-out images that look like training ones, and like generated ones.
    assert discriminator_view(REAL, REAL, FAKE)['r_v'] == 0
    assert discriminator_view(REAL, FAKE, FAKE)['r_v'] == 1


@pytest.mark.parametrize('fake', [REAL, REAL + 1])
def test_no_ratio_where_generated_images_look_as_real(fake):
    assert 'r_v' not in discriminator_view(REAL, HELDOUT, fake)


def test_sums_in_double_precision():
    logits = np.full(10**6, 1e4, np.float16)
    assert discriminator_view(logits, logits)['gap'] == 0


@pytest.mark.parametrize(
    'arguments, message',
    [
        (([],), 'real_logits must be one or more finite numbers, got none'),
        ((REAL, [np.nan]), 'heldout_logits must be .* finite'),
        ((REAL, None, [np.inf]), 'fake_logits must be .* finite'),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        discriminator_view(*arguments)
