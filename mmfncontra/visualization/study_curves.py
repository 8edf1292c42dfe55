"""Curves of a study: variants over seeds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from matplotlib.figure import Figure

# By variant and seed the points (x, y) of a curve.
StudyCurves = Mapping[str, Mapping[int, Sequence[tuple[float, float]]]]
# Okabe and Ito's colours, which the colour-blind tell apart, without yellow, pale on white.
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#000000', '#56b4e9', '#e69f00')
_MARKERS = 'osD^vPX'
_DASHES = ('-', '--', ':')
_ROW = 0.18  # inches of a row of the legend


def draw_study_curves(
    values: StudyCurves, label_x: str, label_y: str, path: str | Path | BinaryIO
) -> None:
    """Draw the curves of :func:`plot_study_curves` into a PNG file.

    Args:
        values: As there.
        label_x: As there.
        label_y: As there.
        path: The file, whose folder is made, or a binary stream.

    Raises:
        ValueError: If there is no finite point.
        OSError: If the file cannot be written.
    """
    figure = plot_study_curves(values, label_x, label_y)
    if isinstance(path, str | Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format='png')


def plot_study_curves(
    values: StudyCurves, label_x: str, label_y: str, size: tuple[float, float] = (6.4, 4.2)
) -> Figure:
    """A line for each variant: the mean over its seeds, in a band of ± one standard deviation.

    Args:
        values: By variant and seed the points (x, y); what is not finite is left out.
        label_x: What x is, with its unit.
        label_y: What y is.
        size: Of the figure in inches, of 120 pixels; for each row of the legend after the first it
            gets higher.

    Returns:
        The figure. Where the seeds of a variant share no x, each has a line of its own.

    Raises:
        ValueError: If there is no finite point.
    """
    figure = Figure(figsize=size, dpi=120, layout='constrained')
    axes = figure.add_subplot(xlabel=label_x, ylabel=label_y)
    axes.grid(alpha=0.3)
    for number, (name, seeds) in enumerate(values.items()):
        style = dict(
            color=COLOURS[number % len(COLOURS)],
            linestyle=_DASHES[number // len(COLOURS) % len(_DASHES)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
            linewidth=1.4,
        )
        curves = [curve for curve in map(_finite, seeds.values()) if curve.size]
        x, mean, std = mean_curve(curves)
        for curve in [] if len(x) else curves:
            axes.plot(*curve, **style, label=name)
        if len(x):
            axes.plot(x, mean, **style, label=name)
            axes.fill_between(x, mean - std, mean + std, color=style['color'], alpha=0.2, lw=0)
    lines = {str(line.get_label()): line for line in axes.lines}
    if not lines:
        raise ValueError(f'there is nothing to draw: no finite point of {label_y}')
    # Below the axes, over no curve. Names are no formulas.
    columns = max(1, min(len(lines), 60 // (max(map(len, lines)) + 6)))
    rows = math.ceil(len(lines) / columns)
    figure.set_size_inches(size[0], size[1] + _ROW * (rows - 1))
    legend = figure.legend(
        lines.values(), lines, loc='outside lower center', ncols=columns, fontsize=9
    )
    for text in (*legend.get_texts(), axes.xaxis.label, axes.yaxis.label):
        text.set_parse_math(False)
    return figure


def mean_curve(curves: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of several curves, which need not have their points at the same places.

    Args:
        curves: Of each x and y, (2, N), x ascending.

    Returns:
        x, mean and standard deviation (of a sample; 0 for one curve), at every x of a curve that
        lies within all of them, between whose points they are taken to be straight.

    Example:
        >>> curves = [np.array([[0.0, 2.0], [1.0, 3.0]]), np.array([[1.0, 3.0], [2.0, 2.0]])]
        >>> [part.tolist() for part in mean_curve(curves)[:2]]
        [[1.0, 2.0], [2.0, 2.5]]
    """
    if not curves:
        return np.empty(0), np.empty(0), np.empty(0)
    low, high = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    shared = np.unique(np.concatenate([x for x, _ in curves]))
    shared = shared[(shared >= low) & (shared <= high)]
    rows = np.array([np.interp(shared, x, y) for x, y in curves])
    std = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(len(shared))
    return shared, rows.mean(axis=0), std


def _finite(points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Points as x and y, (2, N), x ascending."""
    array = np.array(sorted(points), float).reshape(-1, 2)
    return array[np.isfinite(array).all(axis=1)].T
