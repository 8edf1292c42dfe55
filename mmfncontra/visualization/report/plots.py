"""Plots of a run report: one run in detail, or several overlaid, seeds as a band."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..curves import PANELS

# What the parts of a metric that share a plot have before their names.
_FAMILIES = ('subband_', 'kid_')
_SIZE, _DPI = (4.6, 3.2), 100
_LONGEST_LABEL = 48
_MAX_POINTS = 1000  # of a line: more than it has pixels, and few enough for a small file


@dataclass(frozen=True)
class Plot:
    """A plot with the words that stand for it.

    Attributes:
        figure: The plot.
        title: Heading.
        alt: What there is to see, for those who cannot.
    """

    figure: Figure
    title: str
    alt: str


def plot_scalars(groups: Mapping[str, Sequence[Sequence[dict]]]) -> Iterator[Plot]:
    """Losses, weights, similarities, strengths, diversity, gradient norms over the iterations.

    One group is drawn with a plot per panel and a line per scalar; several with a plot per scalar
    and a line per group. A group of several runs is its mean with a band of one standard deviation
    over the runs, at the iterations that all of them logged. Of more than 1,000 points, neighbours
    are averaged.

    Args:
        groups: Label to the runs of one group, each a list of dicts with ``step`` and scalars.

    Yields:
        Only plots of what was logged.
    """
    names = _names(groups)
    panels = {title: [n for n in names if belongs(n)] for title, belongs in PANELS.items()}
    yield from _plot_panels(groups, panels)


def plot_metrics(groups: Mapping[str, Sequence[Sequence[dict]]]) -> Iterator[Plot]:
    """Metrics over the iterations, as :func:`plot_scalars` does it.

    Args:
        groups: Label to the runs of one group, each a list of dicts with ``step`` and metrics.

    Yields:
        A plot per metric; metrics of one family share one.
    """
    panels: dict[str, list[str]] = {}
    names = _names(groups)
    for name in names:
        panels.setdefault(_family(name, names), []).append(name)
    yield from _plot_panels(groups, panels)


def _family(name: str, names: Sequence[str]) -> str:
    """What a metric shares its plot by: its parts, or the value that it is a deviation of."""
    if name in ('kid_mean', 'kid_std'):
        return 'kid'
    if name.startswith('subband_'):
        return 'subband'
    whole = name.removesuffix('_std').removesuffix('_unbiased')
    return whole if whole in names else name


def plot_spectra(
    frequency: Sequence[float], real: Sequence[float], fakes: Mapping[str, Sequence[float]]
) -> Plot:
    """Radial power spectra of generated images against the real ones.

    Args:
        frequency: Cycles per pixel.
        real: Power of the real images in dB.
        fakes: Label to the power of generated images in dB.

    Returns:
        The plot; real is black.

    Raises:
        ValueError: If a spectrum has another length than ``frequency``.
    """
    for label, spectrum in dict(real=real, **fakes).items():
        if len(spectrum) != len(frequency):
            raise ValueError(
                f'spectrum {label} must have {len(frequency)} values, one for each frequency, '
                f'got {len(spectrum)}'
            )
    figure, axes = _figure('frequency (cycles per pixel)')
    axes.set_ylabel('power (dB)')
    axes.plot(frequency, real, color='black', linewidth=2, label='real')
    for label, spectrum in fakes.items():
        axes.plot(frequency, spectrum, linewidth=1.4, label=label)
    _legend(figure, axes)
    off = ', '.join(
        f'{label} {np.nanmean(np.abs(np.subtract(spectrum, real))):.2g} dB'
        for label, spectrum in fakes.items()
    )
    title = 'Power spectra'
    alt = f'Radial power spectra of real and generated images. Mean distance from real: {off}.'
    return Plot(figure, title, alt)


def aggregate(runs: Sequence[Sequence[dict]], name: str) -> pd.DataFrame:
    """Mean and standard deviation of a scalar over runs.

    Args:
        runs: Lists of dicts with ``step`` and scalars.
        name: Of the scalar.

    Returns:
        Columns ``mean`` and ``std`` by step: at the steps that all runs having the scalar share,
        or at every step where they share none. ``std`` is NaN for a single run.

    Example:
        >>> runs = [[dict(step=1, loss=2.0)], [dict(step=1, loss=4.0), dict(step=2, loss=9.0)]]
        >>> aggregate(runs, 'loss').round(2).to_dict('index')
        {1: {'mean': 3.0, 'std': 1.41}}
    """
    columns = []
    for run in runs:
        points = {record['step']: record[name] for record in run if _is_number(record, name)}
        if points:
            columns.append(pd.Series(points, dtype=float))
    table = pd.concat(columns, axis=1).sort_index() if columns else pd.DataFrame()
    shared = table.index[[all(step in c.index for c in columns) for step in table.index]]
    table = (table.loc[shared] if len(shared) else table).replace([np.inf, -np.inf], np.nan)
    return pd.DataFrame(dict(mean=table.mean(axis=1), std=table.std(axis=1)))


def _is_number(record: dict, name: str) -> bool:
    value = record.get(name)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(groups: Mapping[str, Sequence[Sequence[dict]]]) -> list[str]:
    records = (record for runs in groups.values() for run in runs for record in run)
    names = dict.fromkeys(n for record in records for n in record if _is_number(record, n))
    return [name for name in names if name not in ('step', 'iter')]


def _plot_panels(
    groups: Mapping[str, Sequence[Sequence[dict]]], panels: Mapping[str, Sequence[str]]
) -> Iterator[Plot]:
    for title, members in panels.items():
        if len(groups) == 1:
            ((_, runs),) = groups.items()
            if members:
                yield _plot_lines(title, {_short(n): aggregate(runs, n) for n in members})
            continue
        for name in members:
            yield _plot_lines(name, {label: aggregate(g, name) for label, g in groups.items()})


def _short(name: str) -> str:
    for prefix in ('loss_', 'weight_', 'similarity_', *_FAMILIES):
        name = name.removeprefix(prefix)
    return name


def _plot_lines(title: str, lines: Mapping[str, pd.DataFrame]) -> Plot:
    figure, axes = _figure('iteration')
    axes.xaxis.get_major_locator().set_params(integer=True)
    last = []
    for label, line in lines.items():
        if line.empty:
            continue
        last.append(f'{label} {line["mean"].iloc[-1]:.3g} at iteration {line.index[-1]}')
        line = _thin(line)
        # A line through few points says less than the points; one point has no line at all.
        marker = 'o' if len(line) < 20 else None
        (drawn,) = axes.plot(
            line.index, line['mean'], label=label, linewidth=1.4, marker=marker, markersize=4
        )
        if line['std'].notna().any():
            low, high = line['mean'] - line['std'], line['mean'] + line['std']
            axes.fill_between(line.index, low, high, color=drawn.get_color(), alpha=0.2, lw=0)
    if len(lines) > 1 or _short(title) != next(iter(lines)):
        _legend(figure, axes)
    return Plot(figure, title, f'{title} over the iterations. Last values: {"; ".join(last)}.')


def _thin(line: pd.DataFrame) -> pd.DataFrame:
    if len(line) <= _MAX_POINTS:
        return line
    bins = np.arange(len(line)) * _MAX_POINTS // len(line)
    thin = line.groupby(bins).mean()
    return thin.set_axis(line.index.to_series().groupby(bins).last())


def _figure(xlabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout='constrained')
    axes = figure.add_subplot()
    axes.set_xlabel(xlabel)
    axes.grid(alpha=0.3)
    return figure, axes


def _legend(figure: Figure, axes: Axes) -> None:
    labels = [str(line.get_label())[:_LONGEST_LABEL] for line in axes.lines]
    if not labels:
        return
    columns = max(1, min(len(labels), 52 // (max(map(len, labels)) + 6)))
    # Below the axes, so that it lies over no curve. The labels may be names of folders: a leading
    # underscore hides none of them, and a dollar sign starts no formula.
    legend = figure.legend(
        axes.lines, labels, loc='outside lower center', ncols=columns, fontsize=9
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
