"""Curves of a study: its metrics over iterations and over the time of training."""

import math
from collections.abc import Iterator, Mapping

from mmfncontra.evaluation.card import SEEN_MARK, MetricCard
from mmfncontra.evaluation.value_names import bare_name
from mmfncontra.visualization.report.images import inline_plots
from mmfncontra.visualization.report.plots import Plot
from mmfncontra.visualization.report.record import RunRecord
from mmfncontra.visualization.study_curves import StudyCurves, plot_study_curves

from .run import AblationRun
from .table import AblationTable, show_direction

# What is shown at once, by its name with Inception; the rest of the table is there to be unfolded.
_MAIN = ('kid_mean', 'fid', 'precision', 'recall', 'copy_rate', 'spectrum_distance')
_R_T = 'r_t'
_WINDOWS = 25  # into which the many values of r_t of a run are averaged
_SIZE = (4.6, 3.4)  # in inches
_X = dict(iterations='iteration', seconds='seconds of training steps')


def draw_curves(
    runs: Mapping[AblationRun, RunRecord], table: AblationTable
) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Curves of the metrics of a table, and of r_t, a line for each variant.

    Args:
        runs: Finished runs.
        table: Theirs.

    Returns:
        Plots for the page: by ``iterations`` and ``seconds``, and by ``main`` and ``more``. Seconds
        are those that metric cards have as ``train_seconds``; without them there are no plots.
    """
    drawn = {}
    main = [metric for best in _MAIN for metric in table.metrics if bare_name(metric) == best]
    for x in _X:
        plots = {metric: list(_metric(runs, table, metric, x)) for metric in table.metrics}
        shown = [plot for metric in main for plot in plots[metric]]
        shown += list(_r_t(runs, table)) if x == 'iterations' else []
        rest = [plot for metric in plots if metric not in main for plot in plots[metric]]
        drawn[x] = dict(main=inline_plots(shown or rest), more=inline_plots(rest if shown else []))
    return drawn


def _metric(
    runs: Mapping[AblationRun, RunRecord], table: AblationTable, metric: str, x: str
) -> Iterator[Plot]:
    labels = {
        name: f'{name} {SEEN_MARK}' if cells[metric].seen else name
        for name, cells in table.rows.items()
    }
    values: StudyCurves = {label: {} for label in labels.values()}
    for run, record in runs.items():
        values[labels[run.variant.name]][run.seed] = [
            (place, card.metrics[metric])
            for iteration, card in record.cards.items()
            if metric in card.metrics
            and (place := iteration if x == 'iterations' else _seconds(card)) is not None
        ]
    yield from _plot(f'{metric}{show_direction(metric)}', metric, values, x)


def _seconds(card: MetricCard) -> float | None:
    return card.depends.get('run', {}).get('train_seconds')


def _r_t(runs: Mapping[AblationRun, RunRecord], table: AblationTable) -> Iterator[Plot]:
    """As it was logged in training, on the average of windows that are the same for all runs."""
    last = max((record.iterations for record in runs.values()), default=0)
    width = max(1, math.ceil(last / _WINDOWS))
    values: StudyCurves = {name: {} for name in table.rows}
    for run, record in runs.items():
        windows: dict[int, list[float]] = {}
        for entry in record.scalars:
            if isinstance(entry.get(_R_T), int | float) and math.isfinite(entry[_R_T]):
                windows.setdefault(math.ceil(entry['step'] / width), []).append(entry[_R_T])
        values[run.variant.name][run.seed] = [
            (number * width, sum(own) / len(own)) for number, own in sorted(windows.items())
        ]
    title = f'{_R_T} in training, means of {width} iterations'
    yield from _plot(title, _R_T, values, 'iterations')


def _plot(title: str, name: str, values: StudyCurves, x: str) -> Iterator[Plot]:
    points = {
        (label, seed): [(at, y) for at, y in curve if math.isfinite(y)]
        for label, seeds in values.items()
        for seed, curve in seeds.items()
    }
    ends: dict[str, list[float]] = {}
    for (label, _), curve in points.items():
        if curve:
            ends.setdefault(label, []).append(max(curve)[1])
    if not ends:
        return
    last = '; '.join(f'{label} {sum(own) / len(own):.3g}' for label, own in ends.items())
    alt = f'{title} over {x}, a line for each variant. Means of the last values: {last}.'
    yield Plot(plot_study_curves(values, _X[x], name, _SIZE), title, alt)
