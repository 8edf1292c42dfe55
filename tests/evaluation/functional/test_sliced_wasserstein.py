import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.stats import wasserstein_distance

from mmfncontra.evaluation.functional import laplacian_pyramid, sliced_wasserstein
from mmfncontra.evaluation.functional.sliced_wasserstein import _sliced_distance

RNG = np.random.default_rng(0)
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


@pytest.mark.parametrize('n, m', [(50, 50), (50, 30), (7, 40), (1, 5), (12, 36), (1, 1)])
def test_distance_of_points_equals_scipy(n, m):
    p, q = (RNG.normal(size=(k, 6)).astype(np.float32) for k in (n, m))
    directions = RNG.normal(size=(40, 6)).astype(np.float32)
    expected = np.mean([wasserstein_distance(p @ d, q @ d) for d in directions])
    assert _sliced_distance(p, q, directions) == pytest.approx(expected, rel=1e-5)


def test_distance_of_shifted_points_is_the_shift():
    p = RNG.normal(size=(30, 1)).astype(np.float32)
    assert _sliced_distance(p, p + 2, np.ones((1, 1), np.float32)) == pytest.approx(2)


@pytest.mark.parametrize('size', [(32, 32), (21, 30)])
def test_pyramid_equals_its_definition_inside_the_border(size):
    image = RNG.integers(0, 256, (*size, 3), np.uint8)
    pyramid = laplacian_pyramid(image, 3)
    x = image.astype(float)
    for band in pyramid[:-1]:
        smaller = np.stack([convolve(c, BINOMIAL, mode='mirror')[::2, ::2] for c in x.T], 0).T
        spread = np.zeros_like(x)
        spread[::2, ::2] = smaller
        grown = np.stack([convolve(c, 4 * BINOMIAL, mode='mirror') for c in spread.T], 0).T
        np.testing.assert_allclose(band[:-2, :-2], (x - grown)[:-2, :-2], atol=1e-3)
        x = smaller
    np.testing.assert_allclose(pyramid[-1], x, atol=1e-3)


@pytest.mark.parametrize('m', [9, 6])
def test_equals_its_definition_where_a_patch_is_an_image(m):
    real, fake = (RNG.integers(0, 256, (k, 8, 8, 3), np.uint8) for k in (9, m))
    result = sliced_wasserstein(real, fake, patch=8, patches_per_image=1, projections=400)
    p, q = (x.transpose(0, 3, 1, 2).astype(float) for x in (real, fake))
    p, q = ((x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
            for x in (p, q))  # fmt: skip
    directions = np.random.default_rng(5).normal(size=(4000, 192))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    p, q = p.reshape(9, -1), q.reshape(m, -1)
    distances = [wasserstein_distance(p @ d, q @ d) for d in directions]
    error = np.std(distances) * (1 / 400 + 1 / 4000) ** 0.5
    assert list(result) == ['8', 'mean'] and result['8'] == result['mean']
    assert abs(result['mean'] - np.mean(distances)) < 4 * error


def test_equal_sets_are_at_distance_zero(shells):
    assert sliced_wasserstein(shells[:9], shells[:9]) == {'48': 0, '24': 0, 'mean': 0}


def test_is_a_function_of_its_seed(shells):
    real, fake = shells[:10], shells[10:16]
    first = sliced_wasserstein(real, fake)
    assert sliced_wasserstein(real, fake) == first
    assert sliced_wasserstein(real, fake, seed=1) != first
    # Places and directions are a small part of it.
    assert sliced_wasserstein(real, fake, seed=1) == pytest.approx(first, rel=0.2)


@pytest.mark.parametrize(
    'size, levels, names',
    [
        ((64, 64), None, ['64', '32', '16', 'mean']),
        ((40, 33), None, ['33', '17', 'mean']),
        ((31, 31), None, ['31', 'mean']),
        ((9, 9), None, ['9', 'mean']),
        ((32, 32), 3, ['32', '16', '8', 'mean']),
    ],
)
def test_halves_down_to_16_pixels(size, levels, names):
    images = np.zeros((1, *size, 3), np.uint8)
    assert list(sliced_wasserstein(images, images, levels=levels)) == names


def test_smooth_images_differ_most_on_the_finest_level(shells):
    smooth = shells.reshape(len(shells), 24, 2, 24, 2, 3).mean((2, 4)).astype(np.uint8)
    smooth = smooth.repeat(2, 1).repeat(2, 2)
    distances = sliced_wasserstein(shells, smooth)
    assert distances['48'] > 3 * distances['24']


def test_other_images_are_farther_than_other_samples(shells):
    fresh = sliced_wasserstein(shells[:45], shells[45:])['mean']
    noise = RNG.integers(0, 256, (45, 48, 48, 3), np.uint8)
    assert sliced_wasserstein(shells[:45], noise)['mean'] > 3 * fresh


def test_does_not_see_tint_and_contrast():
    images = RNG.integers(0, 100, (5, 16, 16, 3), np.uint8)
    tinted = images * np.uint8(2) + np.array([0, 20, 50], np.uint8)
    assert sliced_wasserstein(images, tinted)['mean'] < 1e-5


def test_flat_images_have_no_structure():
    flat = np.full((3, 33, 33, 3), 77, np.uint8)
    assert sliced_wasserstein(flat, flat + np.uint8(9))['mean'] < 1e-3


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(patch=0), 'patch must be a positive integer, got 0'),
        (dict(levels=3), 'levels=3 leaves 4 pixels of 16, too few for patch=7'),
        (dict(patch=17), 'levels=1 leaves 16 pixels of 16, too few for patch=17'),
        (dict(levels=0), 'levels must be a positive integer'),
        (dict(projections=0), 'projections must be a positive integer'),
        (dict(patches_per_image=2.0), 'patches_per_image must be a positive integer'),
        (dict(seed=-1), 'seed must be an integer of 0 or more'),
    ],
)
def test_refuses(arguments, message):
    images = np.zeros((2, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match=message):
        sliced_wasserstein(images, images, **arguments)
