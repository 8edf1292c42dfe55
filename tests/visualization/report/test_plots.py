import math

import numpy as np
import pytest

from mmfncontra.visualization.report.images import inline_figure
from mmfncontra.visualization.report.plots import (
    aggregate,
    plot_metrics,
    plot_scalars,
    plot_spectra,
)


def run(offset: float = 0, steps: tuple[int, ...] = (10, 20), **more: float) -> list[dict]:
    return [dict(step=s, iter=s, loss_gen=s / 10 + offset, lr=1.0, **more) for s in steps]


def test_mean_and_std_over_runs() -> None:
    table = aggregate([run(0), run(1), run(5)], 'loss_gen')
    assert table.index.tolist() == [10, 20]
    np.testing.assert_allclose(table['mean'], [np.mean([1, 2, 6]), np.mean([2, 3, 7])])
    np.testing.assert_allclose(table['std'], np.std([1, 2, 6], ddof=1))


def test_steps_that_all_runs_share() -> None:
    assert aggregate([run(0), run(0, (20, 30))], 'loss_gen').index.tolist() == [20]
    # Logged at other intervals: everything is drawn.
    assert aggregate([run(0), run(0, (15, 25))], 'loss_gen').index.tolist() == [10, 15, 20, 25]
    # A run that never logged it does not count.
    assert aggregate([run(0), [dict(step=10)]], 'loss_gen').index.tolist() == [10, 20]
    assert aggregate([[dict(step=10)]], 'loss_gen').empty


def test_infinite_is_a_gap() -> None:
    records = [dict(step=1, x=math.inf), dict(step=2, x=math.nan), dict(step=3, x=1.0)]
    assert aggregate([records], 'x')['mean'].isna().tolist() == [True, True, False]


def test_one_group_has_a_plot_per_panel() -> None:
    records = run(
        r_t=0.5, p_ada=0.1, weight_easy=0.2, grad_norm_gen=3.0, diversity_ratio=0.9, loss_dwcl=0.4
    )
    plots = {plot.title: plot for plot in plot_scalars({'a': [records]})}
    assert {
        title: [line.get_label() for line in plot.figure.axes[0].lines]
        for title, plot in plots.items()
    } == {
        'Losses': ['gen'],
        'Contrastive losses': ['dwcl'],
        'Weights of the negatives': ['easy'],
        'Overfitting r_t, and the strengths that follow it': ['r_t', 'p_ada'],
        'Diversity of the samples': ['diversity_ratio'],
        'Gradient norms': ['grad_norm_gen'],
    }
    assert plots['Losses'].alt.endswith('Last values: gen 2 at iteration 20.')


def test_several_groups_have_a_plot_per_scalar() -> None:
    (plot,) = plot_scalars({'seeds': [run(0), run(2)], '_$other': [run(7)]})
    axes = plot.figure.axes[0]
    assert plot.title == 'loss_gen'
    drawn = [(line.get_label(), line.get_ydata().tolist()) for line in axes.lines]
    assert drawn == [('seeds', [2, 3]), ('_$other', [8, 9])]
    (band,) = axes.collections  # of the group alone
    low, high = band.get_paths()[0].vertices[:, 1].min(), band.get_paths()[0].vertices[:, 1].max()
    np.testing.assert_allclose([low, high], [2 - math.sqrt(2), 3 + math.sqrt(2)])
    (legend,) = plot.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ['seeds', '_$other']
    assert inline_figure(plot.figure).startswith('data:image/svg+xml;base64,')


def test_long_lines_are_averaged() -> None:
    (plot,) = plot_scalars({'a': [run(steps=tuple(range(1, 5001)))]})
    (line,) = plot.figure.axes[0].lines
    steps, values = line.get_data()
    assert steps.tolist() == list(range(5, 5001, 5))
    np.testing.assert_allclose(values, (np.arange(1000) * 5 + 3) / 10)
    assert plot.alt.endswith('gen 500 at iteration 5000.')


def test_families_of_metrics_share_a_plot() -> None:
    card = dict(step=1, swd=1.0, subband_HH1=2.0, kid_mean=0.1, subband_LL=3.0, kid_std=0.01)
    assert [
        (plot.title, [line.get_label() for line in plot.figure.axes[0].lines])
        for plot in plot_metrics({'a': [[card]]})
    ] == [('swd', ['swd']), ('subband', ['HH1', 'LL']), ('kid', ['mean', 'std'])]


def test_a_deviation_is_drawn_with_what_it_is_of() -> None:
    names = ('fd_lite2', 'fd_lite2_unbiased', 'kid_lite2', 'kid_lite2_std', 'recall_lite2', 'x_std')
    plots = list(plot_metrics({'a': [[dict(step=1, **dict.fromkeys(names, 1.0))]]}))
    titles = [plot.title for plot in plots]
    assert titles == ['fd_lite2', 'kid_lite2', 'recall_lite2', 'x_std']
    assert len(plots[0].figure.axes[0].lines) == 2


def test_spectra() -> None:
    plot = plot_spectra([0, 0.25, 0.5], [3, 2, 1], dict(a=[3, 2, 4]))
    real, fake = plot.figure.axes[0].lines
    assert real.get_color() == 'black' and real.get_ydata().tolist() == [3, 2, 1]
    assert fake.get_ydata().tolist() == [3, 2, 4]
    assert plot.alt.endswith('Mean distance from real: a 1 dB.')
    with pytest.raises(ValueError, match='spectrum a must have 3 values'):
        plot_spectra([0, 0.25, 0.5], [3, 2, 1], dict(a=[3, 2]))
