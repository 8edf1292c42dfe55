"""Tables of metrics for a run report."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmfncontra.evaluation.card import SEEN_MARK, MetricCard, find_differences, find_flattered
from mmfncontra.evaluation.value_names import bare_name

from .record import RunRecord

# What a card is the best by: the first of these that was measured, by Inception or another network
# that had no part in the training. Of all of them, less is better.
_BEST_BY = ('fid', 'kid_mean', 'swd', 'spectrum_distance')
_NONE = '–'


@dataclass
class Table:
    """Cells as text, a name at the head of each row.

    Attributes:
        title: Heading.
        columns: Heads of the columns.
        rows: Cells by name of the row.
        warnings: Columns by the sentence on their values.
        notes: Sentences on the whole table.
        depends: What the values depend on, in the same columns.
    """

    title: str
    columns: list[str]
    rows: dict[str, list[str]]
    warnings: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    depends: dict[str, list[str]] = field(default_factory=dict)


def last_card(cards: Mapping[int, MetricCard]) -> MetricCard | None:
    """The card of the highest iteration, if there is one."""
    return cards[max(cards)] if cards else None


def _rankable(cards: Mapping[int, MetricCard]) -> list[str]:
    """Measured values of which less is better, by network in the order of :data:`_BEST_BY`."""
    measured = dict.fromkeys(
        name
        for card in cards.values()
        for name in card.metrics
        if _finite(card, name) and name not in card.seen_in_training
    )
    return [name for best in _BEST_BY for name in measured if bare_name(name) == best]


def best_by(cards: Mapping[int, MetricCard]) -> str | None:
    """The metric by which the best of these cards is found, if they have one of those."""
    return next(iter(_rankable(cards)), None)


def best_card(cards: Mapping[int, MetricCard]) -> MetricCard | None:
    """The card with the least value of :func:`best_by`, the earliest of equals."""
    name = best_by(cards)
    if name is None:
        return None
    return min((c for c in cards.values() if _finite(c, name)), key=lambda c: c.metrics[name])


def best_values(cards: Mapping[int, MetricCard]) -> dict[str, tuple[str, int]]:
    """Least value, as text, and its iteration for each metric of which less is better.

    Args:
        cards: By iteration.
    """
    values = {}
    for name in _rankable(cards):
        measured = {at: c.metrics[name] for at, c in cards.items() if _finite(c, name)}
        at = min(measured, key=measured.get)
        values[name] = (_show(measured[at]), at)
    return values


def metric_tables(
    runs: Sequence[RunRecord], groups: Mapping[str, Sequence[RunRecord]]
) -> list[Table]:
    """Last and best values: one table for one run; for several, a table of each.

    A group of runs gets a column with mean and standard deviation over them, unless their values
    cannot be compared.

    Args:
        runs: With names of their own.
        groups: Label to runs that differ in their seed alone.

    Returns:
        Empty if nothing was measured.
    """
    if len(runs) == 1:
        table = _table('Values', _last_and_best(runs[0].cards), {})
        return [table] if table else []
    last = {run.name: card for run in runs if (card := last_card(run.cards))}
    best = {run.name: card for run in runs if (card := best_card(run.cards))}
    chosen = dict.fromkeys(name for run in runs if (name := best_by(run.cards)))
    members = {label: [run.name for run in g] for label, g in groups.items() if len(g) > 1}
    tables = [
        _table('Last values of each run', last, members),
        _table(f'Best values of each run, by {" or ".join(chosen)}', best, members),
    ]
    return [table for table in tables if table]


def _last_and_best(cards: Mapping[int, MetricCard]) -> dict[str, MetricCard]:
    last, best = last_card(cards), best_card(cards)
    if last is None or best is None:
        return {} if last is None else dict(last=last)
    if last is best:
        return {f'last, also best by {best_by(cards)}': last}
    return {'last': last, f'best by {best_by(cards)}': best}


def _table(
    title: str, cards: Mapping[str, MetricCard], groups: Mapping[str, Sequence[str]]
) -> Table | None:
    if not cards:
        return None
    names = dict.fromkeys(name for card in cards.values() for name in card.metrics)
    rows = {'iteration': [str(card.iteration) for card in cards.values()]}
    rows |= {name: [_value(card, name) for card in cards.values()] for name in names}
    table = Table(title, list(cards), rows)
    table.notes = [f'Not comparable: {each}.' for each in find_differences(cards)]
    table.notes += [f'{SEEN_MARK} {each}.' for each in find_flattered(cards)]
    for label, members in groups.items():
        grouped = {name: cards[name] for name in members if name in cards}
        if len(grouped) < 2:
            continue
        if find_differences(grouped):
            table.notes.append(f'No mean over {label}: their values cannot be compared.')
            continue
        table.columns.append(f'{label}: mean ± std')
        rows['iteration'].append(_NONE)
        for name in names:
            rows[name].append(_mean_and_std(list(grouped.values()), name))
    keys = dict.fromkeys(key for card in cards.values() for key in flatten_depends(card))
    table.depends = {
        key: [flatten_depends(card).get(key, _NONE) for card in cards.values()] for key in keys
    }
    for column, card in cards.items():
        for warning in card.warnings:
            table.warnings.setdefault(str(warning), []).append(column)
    return table


def flatten_depends(card: MetricCard) -> dict[str, str]:
    """What the values of a card depend on, as text by ``group.key``."""
    return {
        f'{group}.{key}': _show(value)
        for group, depends in card.depends.items()
        for key, value in depends.items()
    }


def _mean_and_std(cards: Sequence[MetricCard], name: str) -> str:
    values = [card.metrics[name] for card in cards if _finite(card, name)]
    if len(values) < 2:
        return _NONE
    missing = '' if len(values) == len(cards) else f' (of {len(values)})'
    return f'{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}{missing}'


def _finite(card: MetricCard, name: str) -> bool:
    value = card.metrics.get(name)
    return value is not None and math.isfinite(value)


def _value(card: MetricCard, name: str) -> str:
    mark = f' {SEEN_MARK}' if name in card.seen_in_training else ''
    return _show(card.metrics.get(name)) + mark


def _show(value: object) -> str:
    if value is None:
        return _NONE
    if isinstance(value, float):
        return f'{value:.4g}'
    if isinstance(value, dict):
        return ', '.join(f'{key} {_show(each)}' for key, each in value.items())
    if isinstance(value, list):
        return ', '.join(map(_show, value))
    return str(value)
