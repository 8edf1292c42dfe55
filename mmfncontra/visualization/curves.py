"""Curves of a training run, from the scalars it logged."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_CONTRASTIVE = ('loss_dwcl', 'loss_gwcl')
# Which scalars share a panel, by its title. The contrastive losses have one of their own, because
# the others are larger by an order of magnitude.
PANELS: dict[str, Callable[[str], bool]] = {
    'Losses': lambda n: n.startswith('loss') and n not in _CONTRASTIVE,
    'Contrastive losses': lambda n: n in _CONTRASTIVE,
    'Weights of the negatives': lambda n: n.startswith('weight_'),
    'Cosine similarity to the negatives': lambda n: n.startswith('similarity_'),
    'Overfitting r_t, and the strengths that follow it': lambda n: (
        n == 'r_t' or n.startswith(('p_', 'beta_'))
    ),
    'Diversity of the samples': lambda n: n == 'diversity_ratio',
    'Gradient norms': lambda n: n.startswith('grad_norm'),
}


def read_scalars(work_dir: str | Path) -> list[dict]:
    """Scalars of every run of one work directory, in the order of their iterations.

    Each start of a training writes a folder of its own, ``{timestamp}/vis_data/scalars.json``, with
    one JSON object a line. A run that resumes takes over from its first logged iteration on: what
    an earlier run logged from there is dropped.

    Args:
        work_dir: Work directory of the runs.

    Returns:
        One dict per iteration, with ``step`` and the scalars logged there.
    """
    steps: dict[int, dict] = {}
    # The folders are named by their time stamps, so the order of the names is that of the runs.
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        records = _read_lines(path)
        trained = [record['step'] for record in records if 'iter' in record]
        if trained:  # a run that only validated takes nothing over
            steps = {step: record for step, record in steps.items() if step < min(trained)}
        for record in records:
            steps.setdefault(record['step'], {}).update(record)
    return [steps[step] for step in sorted(steps)]


def _read_lines(path: Path) -> list[dict]:
    records = []
    for line in path.read_text(encoding='utf-8').splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:  # a run that was killed may leave half a line
            continue
        if isinstance(record, dict) and 'step' in record:
            records.append(record)
    return records


def plot_curves(records: Sequence[dict]) -> Figure:
    """Losses, weights, similarities, strengths, diversity and gradients over the iterations.

    Only the panels of :data:`PANELS` whose scalars were logged are drawn.

    Args:
        records: One dict per iteration: ``step`` and named scalars; not every
            scalar needs to be in every dict.

    Returns:
        The picture; a single line of text if there is nothing to draw.
    """
    names = list(dict.fromkeys(name for record in records for name in record))
    panels = {title: [n for n in names if belongs(n)] for title, belongs in PANELS.items()}
    panels = {title: members for title, members in panels.items() if members}
    if not panels:
        figure = Figure(figsize=(7, 2), dpi=120)
        text = 'No scalars yet: nothing was logged before the run ended.'
        figure.text(0.5, 0.5, text, ha='center', va='center')
        return figure

    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(7 * columns, 3.8 * rows), dpi=120, layout='constrained')
    for index, (title, members) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, index + 1)
        for name in members:
            _plot_scalar(axes, records, name)
        axes.set_title(title)
        axes.set_xlabel('iteration')
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=9, loc='upper left', bbox_to_anchor=(1, 1))  # over no curve
    return figure


def _plot_scalar(axes: Axes, records: Sequence[dict], name: str) -> None:
    points = [(record['step'], record[name]) for record in records if name in record]
    # A line through few points says less than the points; one point has no line at all.
    marker = 'o' if len(points) < 20 else None
    label = name.removeprefix('loss_').removeprefix('weight_').removeprefix('similarity_')
    axes.plot(*zip(*points, strict=True), label=label, linewidth=1.2, marker=marker, markersize=4)
