import numpy as np
import pytest

from mmfncontra.datasets import resize_image
from mmfncontra.evaluation import functional
from mmfncontra.evaluation.functional import reduce_images

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 40, 64, 3), np.uint8)
SINGLE = [
    functional.radial_power_spectrum,
    functional.subband_energies,
    functional.pairwise_diversity,
    functional.reduce_images,
]
PAIRED = [
    functional.spectrum_distance,
    functional.subband_ratios,
    functional.sliced_wasserstein,
    functional.nearest_distances,
    functional.copy_rate,
    functional.diversity_ratio,
]


@pytest.mark.parametrize('metric', SINGLE)
@pytest.mark.parametrize(
    'images', [IMAGES.astype(np.float32), IMAGES[0], IMAGES[:0], IMAGES[..., :1]]
)
def test_refuses_other_arrays(metric, images):
    with pytest.raises(ValueError, match='images must be a non-empty uint8 RGB array'):
        metric(images)


@pytest.mark.parametrize('metric', SINGLE)
def test_refuses_a_list_of_images_of_several_sizes(metric):
    with pytest.raises(ValueError, match='all images of one size, got list'):
        metric([IMAGES[0], IMAGES[0, :20]])


@pytest.mark.parametrize('metric', PAIRED)
def test_refuses_pairs_of_several_sizes(metric):
    with pytest.raises(ValueError, match=r'same size, got .* 40x64, .* 40x40'):
        metric(IMAGES, IMAGES[:, :, :40])


@pytest.mark.parametrize('metric', PAIRED)
def test_names_the_wrong_argument(metric):
    with pytest.raises(ValueError, match=r'(fake|references) must be a non-empty uint8 RGB array'):
        metric(IMAGES, IMAGES[:0])


@pytest.mark.parametrize('metric', [*SINGLE, *PAIRED])
def test_leaves_images_as_they_were(metric):
    images = IMAGES.copy()
    images.flags.writeable = False
    metric(*[images] * (1 if metric in SINGLE else 2))


@pytest.mark.parametrize('metric', [*SINGLE, *PAIRED])
def test_takes_views(metric):
    wide = np.repeat(IMAGES, 2, axis=2)
    count = 1 if metric in SINGLE else 2
    on_view, on_copy = metric(*[wide[:, :, ::-2]] * count), metric(*[IMAGES[:, :, ::-1]] * count)
    if isinstance(on_view, dict):
        on_view, on_copy = tuple(on_view.values()), tuple(on_copy.values())
    if not isinstance(on_view, tuple):
        on_view, on_copy = (on_view,), (on_copy,)
    for first, second in zip(on_view, on_copy, strict=True):
        np.testing.assert_array_equal(first, second)


def test_reduces_whole_images_antialiased_and_once():
    small = reduce_images(IMAGES)
    for image, thumbnail in zip(IMAGES, small, strict=True):
        np.testing.assert_array_equal(thumbnail, resize_image(image, 32, 'stretch'))
    assert reduce_images(small) is small
    # A checkerboard is grey from afar; picking every second pixel would keep it black or white.
    board = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    reduced = reduce_images(board.astype(np.uint8)[None, :, :, None].repeat(3, -1))
    assert abs(reduced[0, 4:-4, 4:-4].astype(int) - 127).max() <= 2
