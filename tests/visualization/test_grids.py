import numpy as np
import pytest
from PIL import Image

from mmfncontra.visualization import make_grid, save_png


def test_grid_places_every_image() -> None:
    images = np.random.default_rng(0).integers(0, 255, (5, 4, 6, 3), dtype=np.uint8)
    grid = make_grid(images, nrow=3, padding=2)
    assert grid.shape == (2 * (4 + 2) + 2, 3 * (6 + 2) + 2, 3)
    expected = np.full_like(grid, 0)
    expected[:] = 255
    for index, image in enumerate(images):
        row, column = divmod(index, 3)
        top, left = 2 + row * 6, 2 + column * 8
        expected[top : top + 4, left : left + 6] = image
    assert (grid == expected).all()


def test_default_grid_is_square() -> None:
    assert make_grid(np.zeros((9, 8, 8, 3), np.uint8), padding=0).shape == (24, 24, 3)


@pytest.mark.parametrize(
    'images', [np.zeros((2, 8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint8)]
)
def test_refuses_other_arrays(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match='uint8 RGB array'):
        make_grid(images)


def test_refuses_empty_rows() -> None:
    with pytest.raises(ValueError, match='nrow'):
        make_grid(np.zeros((2, 8, 8, 3), np.uint8), nrow=0)


def test_png_round_trip(tmp_path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    path = save_png(image, tmp_path / 'deep' / 'image.png')
    assert (np.asarray(Image.open(path)) == image).all()
