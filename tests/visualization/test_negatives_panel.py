import numpy as np
import pytest

from mmfncontra.visualization import plot_negatives


def test_one_column_per_label_one_row_per_image() -> None:
    rng = np.random.default_rng(0)
    labels = ('real', 'easy\nLL', 'augmented')
    columns = {label: rng.integers(0, 255, (2, 16, 16, 3), dtype=np.uint8) for label in labels}
    axes = plot_negatives(columns, 'title').axes
    assert [a.get_title() for a in axes[:3]] == list(labels)
    shown = [np.asarray(a.images[0].get_array()) for a in axes]
    expected = [columns[label][row] for row in range(2) for label in labels]
    assert all((s == e).all() for s, e in zip(shown, expected, strict=True))


def test_keeps_the_pixels_of_photographs() -> None:
    images = np.random.default_rng(0).integers(0, 255, (1, 256, 256, 3), dtype=np.uint8)
    figure = plot_negatives({'real': images, 'easy': images})
    figure.canvas.draw()
    extent = figure.axes[0].get_window_extent()
    assert extent.width == pytest.approx(256, abs=4)
    assert extent.height == pytest.approx(256, abs=4)


def test_refuses_uneven_columns() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match='same number of images'):
        plot_negatives({'real': images, 'easy': images[:1]})
    with pytest.raises(ValueError, match='no column'):
        plot_negatives({})
