import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

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
    images = np.random.default_rng(0).integers(0, 255, (2, 256, 256, 3), dtype=np.uint8)
    figure = plot_negatives({'real': images, 'easy\nLL': 255 - images})
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3]
    assert (drawn[-256:, :256] == images[1]).all()
    assert (drawn[-516:-260, -256:] == 255 - images[0]).all()


def test_refuses_uneven_columns() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match='same number of images'):
        plot_negatives({'real': images, 'easy': images[:1]})
    with pytest.raises(ValueError, match='no column'):
        plot_negatives({})
