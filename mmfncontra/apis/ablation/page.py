"""A study on one page: values, curves and samples of its variants side by side."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from mmfncontra.evaluation.card import SEEN_MARK
from mmfncontra.launch.typed import typed
from mmfncontra.utils.console import shell_line
from mmfncontra.utils.files import whole_file
from mmfncontra.visualization.report.html import render_page
from mmfncontra.visualization.report.images import inline_pictures
from mmfncontra.visualization.report.record import RunRecord, read_run
from mmfncontra.visualization.report.tables import flatten_depends, last_card

from .page_curves import draw_curves
from .portable_words import portable_command
from .run import AblationRun
from .table import (
    INTERVALS,
    AblationTable,
    Cell,
    direction_of,
    mean_and_std,
    show_direction,
    show_interval,
    show_p,
    show_seeds,
)
from .variants import split_descriptions

PAGE = 'study.html'
_MAX_BYTES = 9_000_000  # of curves and pictures
_MARKS = {'better': '▲ ', 'worse': '▼ ', '': ''}
_STATES = {'started': 'not finished', 'new': 'not started'}


def write_study_page(
    runs: Sequence[AblationRun],
    table: AblationTable,
    work_dir: str | Path,
) -> Path | None:
    """Write ``study.html``, one file that needs no network, on all runs of a study.

    The table with confidence intervals, what each variant is, curves of the metrics over iterations
    and, where metric cards tell it, over seconds of training steps, the last samples of each run,
    states and commands.

    Args:
        runs: From :func:`plan_runs`.
        table: Of the finished ones, from :func:`write_tables`.
        work_dir: Folder of the page.

    Returns:
        The path of the page; None if no run is finished: there is no page then, nor an older one.

    Raises:
        OSError: If the page cannot be written.
    """
    out = Path(work_dir) / PAGE
    finished = [run for run in runs if run.state == 'finished']
    if not finished:
        out.unlink(missing_ok=True)
        return None
    records = {run: record for run in runs if (record := _read(run))}
    states = {run: _state(run) for run in runs}
    curves = draw_curves({run: records[run] for run in finished if run in records}, table)
    left = _MAX_BYTES - sum(len(plot['uri']) for plots in curves.values() for plot in plots)
    page = render_page(
        'study.html',
        title=Path(work_dir).resolve().name,
        baseline=table.baseline,
        seeds=sorted({run.seed for run in runs}),
        columns={name: show_seeds(cells) for name, cells in table.rows.items()},
        values={
            f'{metric}{show_direction(metric)}': [_show(row[metric]) for row in table.rows.values()]
            for metric in table.metrics
        },
        notes=_notes(table),
        variants=_variants(runs, table),
        depends=_depends(finished, records),
        curves=curves,
        samples=_samples(runs, table, records, states, left),
        runs=[_row(run, states[run], records.get(run), out.parent) for run in runs],
        broken=[f'{run.name}: {note}' for run, record in records.items() for note in record.notes],
    )
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding='utf-8')
    return out


def _read(run: AblationRun) -> RunRecord | None:
    """None for a run that has left nothing yet."""
    try:
        return read_run(run.work_dir)
    except (FileNotFoundError, ValueError):
        return None


def _state(run: AblationRun) -> str:
    return f'failed: {run.failure}' if run.failure else _STATES.get(run.state, run.state)


def _short(state: str) -> str:
    """What a picture says of its run: nothing if it is finished, no reason if it failed."""
    return '' if state == 'finished' else state.partition(':')[0]


def _show(cell: Cell) -> dict:
    if cell.mean is None:
        return dict(value='–', compared='', significant=False)
    found, compared = cell.comparison, ''
    if found is not None and found.difference is not None:
        compared = f'{_MARKS[cell.verdict]}{found.difference:+.2g}{show_interval(found)}'
        if cell.p_t_holm is not None:
            compared += f', {show_p(cell.p_t_holm)}'
    value = mean_and_std(cell) + (f' {SEEN_MARK}' if cell.seen else '')
    return dict(value=value, compared=compared, significant=cell.significant)


def _notes(table: AblationTable) -> list[str]:
    notes = list(table.legend())
    compared = {
        metric: cell.comparison
        for row in table.rows.values()
        for metric, cell in row.items()
        if cell.comparison and cell.comparison.low is not None
    }
    if compared:
        notes.append(INTERVALS)
    near = [metric for metric in table.metrics if isinstance(direction_of(metric), float)]
    if any(metric in compared for metric in near):
        notes.append(f'Of {", ".join(near)}, distances to the number at the arrow are compared.')
    return notes + table.notes


def _variants(runs: Sequence[AblationRun], table: AblationTable) -> dict[str, list[str]]:
    """What was trained or, where nothing was, what will be, by name in the order of the table."""
    planned = {run.variant.name: run.variant.describe() for run in runs}
    shared, own = split_descriptions(
        {name: table.descriptions.get(name) or planned[name] for name in table.rows}
    )
    return {name: [what] for name, what in (own | ({'all': shared} if shared else {})).items()}


def _depends(finished: Sequence[AblationRun], records: Mapping[AblationRun, RunRecord]) -> dict:
    """Of the last card of the first finished run of each variant."""
    first: dict[str, AblationRun] = {}
    for run in finished:
        first.setdefault(run.variant.name, run)
    last = {run.name: last_card(records[run].cards) for run in first.values() if run in records}
    cards = {name: flatten_depends(card) for name, card in last.items() if card}
    keys = dict.fromkeys(key for depends in cards.values() for key in depends)
    rows = {key: [depends.get(key, '–') for depends in cards.values()] for key in keys}
    return dict(columns=list(cards), rows=rows)


def _samples(
    runs: Sequence[AblationRun],
    table: AblationTable,
    records: Mapping[AblationRun, RunRecord],
    states: Mapping[AblationRun, str],
    max_bytes: int,
) -> dict[str, list[dict | None]]:
    """Last grids by variant, one for each seed; empty if there are none at all."""
    last = {run: max(record.samples) for run, record in records.items() if record.samples}
    uris = inline_pictures({run: records[run].samples[at] for run, at in last.items()}, max_bytes)
    pictures = {
        (run.variant.name, run.seed): dict(
            uri=uri, name=run.name, iteration=last[run], state=_short(states[run])
        )
        for run, uri in uris.items()
    }
    seeds = sorted({run.seed for run in runs})
    rows = {name: [pictures.get((name, seed)) for seed in seeds] for name in table.rows}
    return rows if pictures else {}


def _row(run: AblationRun, state: str, record: RunRecord | None, folder: Path) -> dict:
    has_report = (run.work_dir / 'report.html').is_file()
    place = Path(os.path.relpath(run.work_dir, folder)).as_posix()
    done, planned = (record.iterations if record else 0), run.read_record().get('max_iters')
    return dict(
        name=run.name,
        state=state,
        finished=state == 'finished',
        iterations=f'{done} of {planned}' if planned else str(done),
        folder=place,
        link=f'{quote(place)}/report.html' if has_report else '',
        report=shell_line(*typed('report'), run.work_dir) if record else '',
        command=portable_command(run.command),
    )
