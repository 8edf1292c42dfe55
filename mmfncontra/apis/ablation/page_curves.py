"""Curves of a study: its metrics over iterations and over the time of training."""

import math
from collections.abc import Iterator, Mapping

from mmfncontra.evaluation.card import SEEN_MARK
from mmfncontra.evaluation.value_names import bare_name
from mmfncontra.visualization.report.images import inline_plots
from mmfncontra.visualization.report.plots import Plot
from mmfncontra.visualization.report.record import RunRecord
from mmfncontra.visualization.study_curves import StudyCurves, plot_study_curves

from .run import AblationRun
from .table import AblationTable, show_direction

# What is shown at once, by its name with Inception; the rest of the table is there to be unfolded.
_MAIN = ('kid_mean', 'fid', 'precision', 'recall', 'copy_rate', 'spectrum_distance', 'swd')
_R_T = 'r_t'
_WINDOWS = 25  # into which the many values of r_t of a run are averaged
_SIZE = (4.6, 3.4)  # in inches
_ITERATIONS = 'iterations'
_X = {_ITERATIONS: 'iteration', 'seconds': 'seconds of training steps'}


def draw_curves(
    runs: Mapping[AblationRun, RunRecord], table: AblationTable
) -> dict[str, list[dict[str, str]]]:
    """Curves of the metrics of a table, and of r_t, a line for each variant.

    Args:
        runs: Finished runs.
        table: Theirs.

    Returns:
        Plots for the page: the main metrics over ``iterations``, the ``others``, and the main ones
        over ``seconds``, which are those that metric cards have as ``train_seconds``: without them
        there are none.
    """
    main = [metric for best in _MAIN for metric in table.metrics if bare_name(metric) == best]
    others = [metric for metric in table.metrics if metric not in main]
    over = {x: [p for m in main or others for p in _metric(runs, table, m, x)] for x in _X}
    rest = [plot for m in (others if main else ()) for plot in _metric(runs, table, m, _ITERATIONS)]
    over[_ITERATIONS] += _r_t(runs, table)
    return {name: inline_plots(plots) for name, plots in dict(over, others=rest).items()}


def _metric(
    runs: Mapping[AblationRun, RunRecord], table: AblationTable, metric: str, x: str
) -> Iterator[Plot]:
    labels = {
        name: f'{name} {SEEN_MARK}' if cells[metric].seen else name
        for name, cells in table.rows.items()
    }
    seconds = _seconds(runs)
    values: StudyCurves = {label: {} for label in labels.values()}
    for run, record in runs.items():
        places = {at: at for at in record.cards} if x == _ITERATIONS else seconds[run]
        values[labels[run.variant.name]][run.seed] = [
            (place, record.cards[iteration].metrics[metric])
            for iteration, place in places.items()
            if metric in record.cards[iteration].metrics
        ]
    yield from _plot(f'{metric}{show_direction(metric)}', metric, values, x)


def _seconds(runs: Mapping[AblationRun, RunRecord]) -> dict[AblationRun, dict[int, float]]:
    """Seconds of steps up to the cards of each run, on the average of the seeds of a variant."""
    own = {
        run: {
            iteration: card.depends['run']['train_seconds']
            for iteration, card in record.cards.items()
            if 'train_seconds' in card.depends.get('run', {})
        }
        for run, record in runs.items()
    }
    together: dict[tuple[str, int], list[float]] = {}
    for run, seconds in own.items():
        for iteration, each in seconds.items():
            together.setdefault((run.variant.name, iteration), []).append(each)
    means = {key: sum(each) / len(each) for key, each in together.items()}
    return {
        run: {at: means[run.variant.name, at] for at in seconds} for run, seconds in own.items()
    }


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
    yield from _plot(title, _R_T, values, _ITERATIONS)


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
