"""One page on one or several trainings: a single HTML file that needs nothing else."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from mmfncontra.evaluation.card import MetricCard
from mmfncontra.utils.console import note
from mmfncontra.utils.files import expand_home, has_content, keep_earlier

from .groups import give_names, group_runs
from .html import render_page
from .images import inline_picture, inline_plots
from .plots import Plot, plot_metrics, plot_scalars, plot_spectra
from .record import RunRecord, read_run
from .tables import best_card, best_values, last_card, metric_tables

_TITLE = 'Run report: '  # in templates/report.html
_MAX_FRAMES = 60
_WIDTH, _LEAST_WIDTH = 1024, 384  # of a picture in pixels; several runs share the width


@dataclass(frozen=True)
class Picture:
    """A picture in the page.

    Attributes:
        uri: Data URI.
        iteration: Of the training; None for a picture of the data.
        printed: Whether it stands for its timeline on paper.
    """

    uri: str
    iteration: int | None = None
    printed: bool = False


def write_report(work_dirs: Sequence[str | Path], out: str | Path | None = None) -> Path:
    """Write a report of one or several trainings as one HTML file without links to anything.

    Samples over the training under a slider, negatives, curves, metrics, spectra, nearest
    neighbours, the doctor's verdicts, config and environment. Several runs stand side by side; of
    runs that differ in nothing but their seed, mean and standard deviation are given.

    Args:
        work_dirs: Folders of trainings; one that is named twice counts once.
        out: The file; default ``report.html`` in the only folder, or in the current one if there
            are several.

    Returns:
        The path of the report.

    Raises:
        FileNotFoundError: If a folder is missing.
        ValueError: If there is no folder, nothing in one comes from a training, or ``out`` is a
            folder or another file than a report. A report of other runs is kept by another name.
    """
    folders = dict.fromkeys(expand_home(work_dir) for work_dir in work_dirs)
    folders = list({folder.resolve(): folder for folder in folders}.values())
    if not folders:
        raise ValueError('work_dirs must name the folder of a training, got none')
    if out is None:
        out = folders[0] / 'report.html' if len(folders) == 1 else 'report.html'
    out = expand_home(out)
    if out.is_dir():
        raise ValueError(f'out must be a file, but {out} is a folder')
    page = render_report([read_run(folder) for folder in folders])
    out.parent.mkdir(parents=True, exist_ok=True)
    if has_content(out):
        _keep_report_of_others(out, page)
    out.write_text(page, encoding='utf-8')
    return out


def _keep_report_of_others(path: Path, page: str) -> None:
    """Keep the report of other runs that is in the way of a page; refuse any other file."""
    title = _title(path.read_text(encoding='utf-8', errors='replace'))
    if not title.startswith(_TITLE):
        raise ValueError(f'out must be a new file or a report, but {path} is something else')
    if title != _title(page):
        note(f'{path} was the report of other runs, which is now {keep_earlier(path)}')


def _title(page: str) -> str:
    return page.partition('<title>')[2].partition('</title>')[0].strip()


def render_report(runs: Sequence[RunRecord]) -> str:
    """The page of :func:`write_report` from runs that were read.

    Args:
        runs: One or more; their names are made distinct and their notes added to, in place.

    Returns:
        HTML; see :func:`render_page`.
    """
    give_names(runs)
    groups = group_runs(runs)
    width = max(_LEAST_WIDTH, _WIDTH // len(runs))
    positions, frames = _timeline(runs, width)
    return render_page(
        'report.html',
        script='report.js',
        runs=runs,
        groups={label: members for label, members in groups.items() if len(members) > 1},
        positions=positions,
        frames=frames,
        negatives={run.name: _read_picture(run, run.negatives, width) for run in runs},
        neighbours={run.name: _neighbours(run, width) for run in runs},
        best={run.name: best_values(run.cards) for run in runs},
        verdicts={run.name: _summarise(run.verdicts) for run in runs},
        curves=inline_plots(
            plot_scalars({label: [r.scalars for r in g] for label, g in groups.items()})
        ),
        progress=inline_plots(
            plot_metrics({label: [_card_records(r) for r in g] for label, g in groups.items()})
        ),
        spectra=inline_plots(_spectra(runs)),
        tables=metric_tables(runs, groups),
    )


def _timeline(runs: Sequence[RunRecord], width: int) -> tuple[list[int], dict[str, list[Picture]]]:
    """Iterations of the slider, and the pictures of each run.

    At each of the iterations a run shows the last picture that it had by then.
    """
    positions = _thin(sorted({iteration for run in runs for iteration in run.samples}))
    uris: dict[str, dict[int, str]] = {}
    for run in runs:
        needed = sorted({at for p in positions if (at := _reached(run.samples, p)) is not None})
        pictures = {at: _read_picture(run, run.samples[at], width) for at in needed}
        uris[run.name] = {at: picture.uri for at, picture in pictures.items() if picture}
    positions = [p for p in positions if any(p in pictures for pictures in uris.values())]
    ends = [positions[i] for i in (0, len(positions) // 2, -1)] if positions else []
    frames = {}
    for name, pictures in uris.items():
        printed = {_reached(pictures, position) for position in ends}
        frames[name] = [Picture(uri, at, at in printed) for at, uri in pictures.items()]
    return positions, frames


def _thin(iterations: Sequence[int]) -> list[int]:
    count = min(len(iterations), _MAX_FRAMES)
    return [iterations[i] for i in np.linspace(0, len(iterations) - 1, count).round().astype(int)]


def _reached(iterations: Iterable[int], position: int) -> int | None:
    return max((iteration for iteration in iterations if iteration <= position), default=None)


def _read_picture(run: RunRecord, path: Path | None, width: int) -> Picture | None:
    if path is None:
        return None
    uri = inline_picture(path, width)
    if uri is None:
        run.notes.append(f'{os.path.relpath(path, run.path)} is no picture: left out')
        return None
    return Picture(uri)


def _neighbours(run: RunRecord, width: int) -> Picture | None:
    """Those of the best card, or the last there are."""
    if not run.neighbours:
        return None
    best = best_card(run.cards)
    at = best.iteration if best and best.iteration in run.neighbours else max(run.neighbours)
    picture = _read_picture(run, run.neighbours[at], width)
    return picture and Picture(picture.uri, at)


def _card_records(run: RunRecord) -> list[dict]:
    return [dict(step=iteration, **card.metrics) for iteration, card in run.cards.items()]


def _summarise(verdicts: Sequence[dict]) -> list[dict]:
    """One entry for a verdict that was given several times in a row, with its last words."""
    summary = []
    for _, repeated in groupby(verdicts, key=lambda entry: entry['verdict']):
        first, *_, last = [*repeated] * 2
        summary.append(dict(dict(message='', advice=''), **last, first=first['iteration']))
    return summary


def _spectra(runs: Sequence[RunRecord]) -> Iterable[Plot]:
    """Of one run the last and the best card; of several the last one of each."""
    cards: dict[str, MetricCard | None]
    if len(runs) == 1:
        last, best = last_card(runs[0].cards), best_card(runs[0].cards)
        cards = {f'iteration {card.iteration}': card for card in (last, best) if card}
    else:
        cards = {run.name: last_card(run.cards) for run in runs}
    names = ('frequency', 'spectrum_real', 'spectrum_fake')
    curves = {
        label: [card.curves[name] for name in names]
        for label, card in cards.items()
        if card and all(card.curves.get(name) for name in names)
    }
    # Runs of another image size have a spectrum of another length, and a plot of their own.
    for _, same in groupby(curves.items(), key=lambda item: [len(curve) for curve in item[1]]):
        drawn = dict(same)
        frequency, real, _ = next(iter(drawn.values()))
        yield plot_spectra(frequency, real, {label: fake for label, (_, _, fake) in drawn.items()})
