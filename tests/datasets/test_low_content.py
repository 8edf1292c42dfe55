import numpy as np
import pytest

from mmfncontra.datasets.low_content import (
    NEARLY_BLACK,
    NEARLY_CONSTANT,
    REMEDIES,
    SMALL_RANGE,
    ContentTally,
    low_content,
)


def noise(low=0, high=256, side=100, seed=0):
    return np.random.default_rng(seed).integers(low, high, (side, side, 3), np.uint8)


def with_dot(image, side):
    """An image with a square of other values in a corner."""
    image = image.copy()
    image[:side, :side] = 255 - image[:side, :side]
    return image


@pytest.mark.parametrize(
    ('image', 'kind'),
    [
        (noise(), ''),
        (noise(side=3), ''),
        (noise(100, 160), ''),  # fog
        (noise(0, 16), NEARLY_BLACK),  # 12 bits in 16
        (with_dot(noise(0, 16), 5), NEARLY_BLACK),  # 0.25 % of it
        (with_dot(noise(0, 16), 20), ''),  # a lamp in the night
        (np.full((50, 70, 3), 255, np.uint8), NEARLY_CONSTANT),
        (np.tile(np.uint8([255, 0, 0]), (50, 50, 1)), NEARLY_CONSTANT),
        (with_dot(np.full((64, 64, 3), 255, np.uint8), 10), ''),  # a drawing on white
        (noise(100, 125), SMALL_RANGE),
    ],
)
def test_kinds(image, kind):
    assert low_content(image) == kind
    assert not kind or REMEDIES[kind]


def test_large_images_are_judged_as_their_reductions():
    assert low_content(noise(0, 16, side=640)) == NEARLY_BLACK
    assert low_content(np.repeat(np.repeat(noise(side=64), 10, 0), 10, 1)) == ''
    with pytest.raises(ValueError, match='uint8 RGB'):
        low_content(noise()[..., 0])


def test_tally():
    tally = ContentTally()
    assert tally.describe() == ''
    for image in (noise(), noise(seed=1), noise(), noise(0, 16), noise(0, 16), noise(9, 15)):
        tally.add(image)
    assert tally.counts == {NEARLY_BLACK: 3} and tally.repeats == 1
    assert tally.describe() == '3 are nearly black, 1 repeats another'
    tally.add(noise(seed=1))
    tally.add(noise(100, 125))
    assert tally.describe() == ('3 are nearly black, 1 is of hardly any range, 2 repeat another')
