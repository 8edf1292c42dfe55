import io

import numpy as np
import pytest
import pywt
from PIL import Image

from mmfncontra.evaluation.functional import copy_rate, nearest_distances

RNG = np.random.default_rng(0)
SPACES = ['pixel', 'wavelet']


def thumbnails(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)


def pixel_distance(a, b):
    return np.sqrt(np.mean((a.astype(float) - b) ** 2))


def wavelet_distance(a, b):
    difference = (a.astype(float) - b).transpose(2, 0, 1)
    ll, third, second, _ = pywt.wavedec2(difference, 'haar', level=3)
    bands = [ll / 8, *(band / 8 for band in third), *(band / 4 for band in second)]
    return np.sqrt(np.mean([np.mean(band**2) for band in bands]))


def loop_nearest(queries, references, distance, exclude_self, flips):
    distances, indices = [], []
    for i, query in enumerate(queries):
        best = (np.inf, None)
        for j, reference in enumerate(references):
            views = [reference, reference[:, ::-1]] if flips else [reference]
            nearest = min(distance(query, view) for view in views)
            if not (exclude_self and i == j) and nearest < best[0] - 1e-9:
                best = (nearest, j)
        distances.append(best[0])
        indices.append(best[1])
    return distances, indices


def noised(images, strength=10):
    noise = RNG.normal(0, strength, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def compressed(images, quality=50):
    copies = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, 'JPEG', quality=quality)
        copies.append(np.asarray(Image.open(buffer)))
    return np.stack(copies)


@pytest.mark.parametrize(
    'space, oracle', [('pixel', pixel_distance), ('wavelet', wavelet_distance)]
)
@pytest.mark.parametrize('flips', [False, True])
@pytest.mark.parametrize('exclude_self', [False, True])
def test_equals_its_definition(space, oracle, flips, exclude_self, monkeypatch):
    monkeypatch.setattr('mmfncontra.evaluation.functional.nearest_neighbours._ROWS_AT_ONCE', 3)
    references = thumbnails(7)
    references[4] = references[2][:, ::-1]
    references[6] = references[1] // 2
    queries = references if exclude_self else np.concatenate([thumbnails(4, 1), references[2:3]])
    expected = loop_nearest(queries, references, oracle, exclude_self, flips)
    distances, indices = nearest_distances(queries, references, space, exclude_self, flips)
    np.testing.assert_allclose(distances, expected[0], atol=1e-4)
    assert indices.tolist() == expected[1]


def test_distances_in_pixels_are_exact():
    references = thumbnails(5)
    distances, indices = nearest_distances(references[::-1], references)
    assert (distances == 0).all() and indices.tolist() == [4, 3, 2, 1, 0]


def test_the_first_of_equals_is_the_nearest():
    references = thumbnails(3)[[0, 1, 1, 2, 1]]
    assert nearest_distances(references, references)[1].tolist() == [0, 1, 1, 3, 1]
    # Without itself: the other one that is the same.
    assert nearest_distances(references, references, exclude_self=True)[1].tolist()[1:3] == [2, 1]


def test_an_image_is_not_its_own_mirror_image():
    symmetric = thumbnails(2)
    symmetric[:, :, 16:] = symmetric[:, :, 15::-1]
    distances, indices = nearest_distances(symmetric, symmetric, exclude_self=True, flips=True)
    assert (distances > 10).all() and indices.tolist() == [1, 0]


def test_noise_averages_out_in_large_images(shells):
    large = shells[:10].repeat(8, 1).repeat(8, 2)
    distances, indices = nearest_distances(noised(large), large)
    assert (distances < 1.5).all() and indices.tolist() == list(range(10))


def test_mirrored_images_of_any_size_are_at_distance_zero(shells):
    distances, _ = nearest_distances(shells[:10, :, ::-1], shells[:10], flips=True)
    assert (distances < 0.1).all()


def test_wavelets_do_not_see_the_finest_detail():
    board = np.indices((32, 32)).sum(0) % 2
    images = (100 + 50 * board).astype(np.uint8)[None, :, :, None].repeat(3, -1)
    flat = np.full_like(images, 125)
    assert nearest_distances(images, flat, 'pixel')[0] == pytest.approx(25)
    assert nearest_distances(images, flat, 'wavelet')[0] == pytest.approx(0, abs=1e-4)


def test_one_image_each():
    images = thumbnails(2)
    distances, indices = nearest_distances(images[:1], images[1:])
    assert distances == pytest.approx(pixel_distance(*images)) and indices == [0]


def check_copies(train, fresh, space, quality=50):
    """Copies of all kinds are found among fresh images, and those alone."""
    some = train[:: len(train) // 8][:8]
    copies = [some, some[:, :, ::-1], noised(some), compressed(some, quality)]
    copies.append(noised(some[:, :, ::-1], 5))
    result = copy_rate(train, np.concatenate([*copies, fresh]), space)
    count = 8 * len(copies)
    flagged = result['nearest'] <= result['threshold']
    assert flagged[:count].all()
    assert flagged[count:].mean() <= 0.02
    assert result['copy_rate'] == flagged.mean()
    origins = np.arange(len(train))[:: len(train) // 8][:8]
    assert result['indices'][:count].tolist() == [*origins] * len(copies)


@pytest.mark.parametrize('space', SPACES)
def test_finds_copied_shells(shells, space):
    check_copies(shells[:60], shells[60:], space, quality=80)


@pytest.mark.parametrize('space', SPACES)
@pytest.mark.parametrize('name', ['hats', 'shoes'])
def test_finds_copied_photographs(read_photographs, name, space):
    images = read_photographs(name)
    check_copies(images[:100], images[100:], space)


@pytest.mark.parametrize('space', SPACES)
def test_blank_and_average_images_are_no_copies(shells, space):
    mean = shells.mean(0, keepdims=True).astype(np.uint8)
    grounds = np.stack([np.full_like(mean[0], value) for value in (0, 128, 230, 255)])
    assert copy_rate(shells, np.concatenate([mean, grounds]), space)['copy_rate'] == 0


@pytest.mark.parametrize('space', SPACES)
@pytest.mark.parametrize(
    'again',
    [
        lambda real: real,
        lambda real: real[:, :, ::-1],
        lambda real: compressed(real, 90),
        lambda real: real[:30],
        lambda real: real[:1].repeat(5, 0),
    ],
    ids=['all', 'mirrored', 'compressed', 'half', 'one'],
)
def test_pictures_there_twice_leave_the_threshold(shells, space, again):
    real, fresh = shells[:60], shells[60:]
    once = copy_rate(real, fresh, space)
    twice = copy_rate(np.concatenate([real, again(real)]), fresh, space)
    assert twice['threshold'] == pytest.approx(once['threshold'], rel=0.2)
    assert twice['copy_rate'] == once['copy_rate'] == 0
    assert copy_rate(np.concatenate([real, again(real)]), noised(real, 5), space)['copy_rate'] > 0.9


def test_threshold_is_the_quantile_of_the_baseline(shells):
    real = shells[:30]
    result = copy_rate(real, shells[30:], flips=False, quantile=0.25, margin=1)
    baseline, _ = nearest_distances(real, real, exclude_self=True)
    nearest, indices = nearest_distances(shells[30:], real)
    np.testing.assert_array_equal(result['real_nearest'], baseline)
    np.testing.assert_array_equal(result['nearest'], nearest)
    np.testing.assert_array_equal(result['indices'], indices)
    assert result['threshold'] == np.quantile(baseline, 0.25)
    assert copy_rate(real, real, flips=False, quantile=0.25)['threshold'] == pytest.approx(
        0.75 * result['threshold']
    )
    # Without a margin, as many fresh images lie below as real ones do.
    assert result['copy_rate'] == pytest.approx(0.25, abs=0.15)


def test_real_images_that_are_all_the_same():
    real = thumbnails(1).repeat(4, 0)
    result = copy_rate(real, np.concatenate([real[:1], thumbnails(1, 1)]))
    assert result['copy_rate'] == 0.5 and result['threshold'] == 0


def test_a_picture_and_its_mirror_image_alone():
    one = thumbnails(1)
    result = copy_rate(np.concatenate([one, one[:, :, ::-1]]), one)
    assert result['copy_rate'] == 1 and np.isinf(result['real_nearest']).all()


@pytest.mark.parametrize('count', [1, 2])
def test_few_images(count):
    result = copy_rate(thumbnails(2), thumbnails(count, 1))
    assert result['nearest'].shape == result['indices'].shape == (count,)
    assert result['real_nearest'].shape == (2,)


def test_refuses():
    images = thumbnails(3)
    with pytest.raises(ValueError, match=r"space must be one of \('pixel', 'wavelet'\), got 'rgb'"):
        nearest_distances(images, images, 'rgb')
    with pytest.raises(ValueError, match='same images, got 2 and 3'):
        nearest_distances(images[:2], images, exclude_self=True)
    with pytest.raises(ValueError, match='references must hold 2 images or more, got 1'):
        nearest_distances(images[:1], images[:1], exclude_self=True)
    with pytest.raises(ValueError, match='real must hold 2 images or more, got 1'):
        copy_rate(images[:1], images)
    with pytest.raises(ValueError, match=r'quantile must be in \[0, 1\], got 2'):
        copy_rate(images, images, quantile=2)
    with pytest.raises(ValueError, match=r'margin must be in \(0, 1\], got 0'):
        copy_rate(images, images, margin=0)
    with pytest.raises(ValueError, match='space must be'):
        copy_rate(images, images, 'rgb')
