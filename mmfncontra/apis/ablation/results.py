"""The metric cards of an ablation in one table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmfncontra.evaluation.card import SEEN_MARK, MetricCard, find_differences, find_flattered

from .run import AblationRun
from .study import Study, StudyRun, gather_study
from .table import AblationTable, direction_of, make_ablation_table

# Which of a run's cards its values are from.
CARDS = ('last', 'best')


def write_tables(
    runs: Sequence[AblationRun],
    work_dir: str | Path,
    baseline: str | None = None,
    metrics: Sequence[str] | None = None,
    cards: str = 'last',
) -> AblationTable:
    """Compare the finished runs in ``table.md``, ``table.csv`` and ``table.tex``.

    Args:
        runs: From :func:`plan_runs`.
        work_dir: Folder of the tables.
        baseline: Name of the variant that others are compared with; default the first.
        metrics: See :func:`compare_study`.
        cards: See :func:`compare_study`.

    Returns:
        The table.

    Raises:
        ValueError: If no run is finished, or values cannot be compared; the tables are left out,
            and older ones removed.
    """
    work_dir = Path(work_dir)
    for kind in ('md', 'csv', 'tex'):
        (work_dir / f'table.{kind}').unlink(missing_ok=True)
    table = compare_study(gather_study(runs, baseline=baseline), None, metrics, cards)
    for kind, text in dict(
        md=table.to_markdown(), csv=table.to_csv(), tex=table.to_latex()
    ).items():
        (work_dir / f'table.{kind}').write_text(text, encoding='utf-8')
    return table


def compare_study(
    study: Study,
    baseline: str | None = None,
    metrics: Sequence[str] | None = None,
    cards: str = 'last',
) -> AblationTable:
    """Compare the variants of a study.

    Args:
        study: From :func:`gather_study`, or read from a file.
        baseline: Name of the variant that others are compared with; default the study's.
        metrics: Names or patterns; see :func:`make_ablation_table`.
        cards: ``'last'`` takes each run's last card; ``'best'`` for each metric the best value of
            its cards, which flatters whatever fluctuates more.

    Returns:
        The table.

    Raises:
        ValueError: If values cannot be compared, or an argument names what there is not.
    """
    if cards not in CARDS:
        raise ValueError(f'cards must be one of {", ".join(CARDS)}, got {cards!r}')
    _check_comparable(study.runs, every=cards == 'best')
    values: dict[str, dict[int, dict[str, float]]] = {name: {} for name in study.variants}
    seen: dict[str, dict[str, str]] = {}
    for run in study.runs:
        values[run.variant][run.seed] = _values(run.cards, cards)
        for card in run.cards.values():
            seen.setdefault(run.variant, {}).update(card.seen_in_training)
    table = make_ablation_table(values, baseline or study.baseline, metrics, seen)
    table.descriptions = dict(study.variants)
    table.notes += _notes(study, cards)
    last = {run.variant: run.cards[max(run.cards)] for run in study.runs if run.cards}
    table.notes += [f'{SEEN_MARK} {sentence}.' for sentence in find_flattered(last)]
    return table


def _check_comparable(runs: Sequence[StudyRun], every: bool = False) -> None:
    used: dict[str, dict[str, MetricCard]] = {}
    for run in runs:
        for iteration in sorted(run.cards) if every else [max(run.cards)] if run.cards else []:
            name = f'{run.name}, iteration {iteration}' if every else run.name
            used.setdefault(run.variant, {})[name] = run.cards[iteration]
    differences = find_differences(
        {name: c for cards in used.values() for name, c in cards.items()}
    )
    if not differences:
        return
    # Variants that agree in themselves are named as a whole, which keeps the message short.
    short: dict[str, MetricCard] = {}
    for variant, cards in used.items():
        agree = not find_differences(cards)
        short |= {variant: next(iter(cards.values()))} if agree else cards
    shown = '; '.join(find_differences(short) or differences)
    raise ValueError(f'the runs cannot be compared: {shown}')


def _values(cards: Mapping[int, MetricCard], which: str) -> dict[str, float]:
    if not cards:
        return {}
    values = dict(cards[max(cards)].metrics)
    if which == 'last':
        return values
    for name in dict.fromkeys(name for card in cards.values() for name in card.metrics):
        direction = direction_of(name)
        own = [card.metrics[name] for card in cards.values() if name in card.metrics]
        own = [value for value in own if value is not None and value == value]
        if direction is None or not own:
            continue
        if isinstance(direction, float):
            values[name] = min(own, key=lambda value: abs(value - direction))
        else:
            values[name] = min(own) if direction == 'lower' else max(own)
    return values


def _notes(study: Study, cards: str) -> list[str]:
    missing = '; '.join(study.unfinished)
    notes = [f'Not finished, left out: {missing}.'] if missing else []
    notes += study.notes
    ends = sorted({max(run.cards) for run in study.runs if run.cards})
    if cards == 'best':
        notes.append('Best value of each run, which flatters what fluctuates more.')
    elif len(ends) > 1:
        notes.append(f'Runs end at different iterations: {", ".join(map(str, ends))}.')
    else:
        notes.append(f'Values at iteration {ends[0]}.')
    return notes
