"""Curves of variants over seeds."""

import io

import numpy as np
import pytest
from PIL import Image

from mmfncontra.visualization.study_curves import draw_study_curves, mean_curve, plot_study_curves

VALUES = {
    'base': {0: [(100, 4.0), (200, 2.0)], 1: [(100, 6.0), (200, 4.0)]},
    '_fn $x$': {0: [(100, 3.0), (200, float('nan')), (300, 1.0)]},
}


def test_lines_are_means_in_a_band():
    axes = plot_study_curves(VALUES, 'iterations', 'kid').axes[0]
    base, other = axes.lines
    np.testing.assert_allclose(base.get_xydata(), [(100, 5), (200, 3)])
    np.testing.assert_allclose(other.get_xydata(), [(100, 3), (300, 1)])
    band = axes.collections[0].get_paths()[0].vertices
    std = np.std([4, 6], ddof=1)
    assert band[:, 1].max() == pytest.approx(5 + std)
    assert band[:, 1].min() == pytest.approx(3 - std)
    assert base.get_color() != other.get_color() and base.get_marker() != other.get_marker()


def test_seeds_at_other_seconds_are_interpolated():
    one, two = np.array([[0.0, 10.0], [0.0, 10.0]]), np.array([[5.0, 15.0], [1.0, 3.0]])
    x, mean, std = mean_curve([one, two])
    assert x.tolist() == [5, 10]
    np.testing.assert_allclose(mean, [(5 + 1) / 2, (10 + 2) / 2])
    np.testing.assert_allclose(std, [np.std([5, 1], ddof=1), np.std([10, 2], ddof=1)])


def test_seeds_that_share_nothing_have_a_line_each():
    figure = plot_study_curves({'a': {0: [(1.0, 2.0)], 1: [(3.0, 4.0)]}}, 'seconds', 'kid')
    assert [line.get_xydata().tolist() for line in figure.axes[0].lines] == [[[1, 2]], [[3, 4]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['a']


def test_picture_and_names(tmp_path):
    names = [text.get_text() for text in plot_study_curves(VALUES, 'x', 'y').legends[0].get_texts()]
    assert names == list(VALUES)
    draw_study_curves(VALUES, 'seconds', 'kid_$', tmp_path / 'new' / 'a.png')
    stream = io.BytesIO()
    draw_study_curves(VALUES, 'seconds', 'kid_$', stream)
    assert Image.open(stream).size == Image.open(tmp_path / 'new' / 'a.png').size
    with pytest.raises(ValueError, match='nothing to draw: no finite point of kid'):
        plot_study_curves({'a': {0: [(1, float('nan'))]}, 'b': {}}, 'x', 'kid')
