"""Variants of a training against their baseline: mean ± std over seeds, and significance."""

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase

import numpy as np

from mmfncontra.evaluation.card import SEEN_MARK
from mmfncontra.evaluation.value_names import bare_name

from .significance import FEWEST_PAIRS, PairedComparison, compare_pairs, holm
from .variants import split_descriptions

# 'lower' or 'higher' is better, or nearer to a number. Metrics that are not here have no verdict.
Direction = str | float
DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(('fid', 'kid_mean', 'ppl', 'swd', 'spectrum_distance'), 'lower'),
    **dict.fromkeys(('copy_rate', 'copy_rate_wavelet', 'heldout_gap'), 'lower'),
    **dict.fromkeys(('fd_heldout', 'kid_heldout'), 'lower'),
    **dict.fromkeys(('precision', 'recall', 'density', 'coverage'), 'higher'),
    **dict.fromkeys(('inception_score', 'diversity', 'lpips_diversity'), 'higher'),
    **dict.fromkeys(('stlpips_vgg_diversity', 'stlpips_alex_diversity'), 'higher'),
    **dict.fromkeys(('stlpips_vgg_ppl', 'stlpips_alex_ppl'), 'lower'),
    'diversity_ratio': 1.0,
    'nearest_ratio': 1.0,
    'nearer_to_training': 0.5,
}
SIGNIFICANT = 0.05
INTERVALS = 'In square brackets: 95 % confidence interval of the difference, uncorrected.'
_CSV_COLUMNS = (
    *('variant', 'metric', 'better', 'n', 'mean', 'std', 'num_pairs', 'difference', 'low', 'high'),
    *('p_t', 'p_t_holm', 'p_sign_flip', 'p_sign_flip_holm', 'verdict', 'seen'),
)


def direction_of(metric: str) -> Direction | None:
    """Which values of a metric are better.

    A prefix such as ``train/`` does not matter, nor which network it is measured with.

    Args:
        metric: Its name.

    Returns:
        ``'lower'``, ``'higher'``, the number that a value should be near to, or None.

    Example:
        >>> direction_of('swd'), direction_of('subband_HH_1'), direction_of('r_t_clean')
        ('lower', 0.0, None)
        >>> direction_of('fd_lite2'), direction_of('recall_vgg16'), direction_of('kid_lite2_std')
        ('lower', 'higher', None)
    """
    name = bare_name(metric.rpartition('/')[2])
    return 0.0 if name.startswith('subband_') else DIRECTIONS.get(name)


@dataclass(frozen=True)
class Cell:
    """Values of one metric of one variant.

    Attributes:
        n: Seeds with a finite value.
        mean: Their mean; None without values.
        std: Their standard deviation (of a sample, with n - 1); None for fewer than two.
        comparison: With the baseline over shared seeds; None for the baseline itself. Of a metric
            that should be near to a number the distances to it are compared.
        p_t_holm: p-value of the t-test, corrected over the variants.
        p_sign_flip_holm: p-value of the sign-flip test, corrected likewise.
        verdict: ``'better'`` or ``'worse'`` than the baseline on average, or nothing.
        seen: Whether the network that measures it took part in a training of the variant.
    """

    n: int
    mean: float | None
    std: float | None
    comparison: PairedComparison | None = None
    p_t_holm: float | None = None
    p_sign_flip_holm: float | None = None
    verdict: str = ''
    seen: bool = False

    @property
    def significant(self) -> bool:
        """Whether the corrected t-test tells the variant from the baseline."""
        return self.p_t_holm is not None and self.p_t_holm < SIGNIFICANT


@dataclass
class AblationTable:
    """A row for each variant, a column for each metric.

    Attributes:
        baseline: Name of the row that the others are compared with.
        metrics: Columns.
        rows: Cells by variant and metric, the baseline first.
        notes: Sentences on the whole table.
        descriptions: What each variant is.
        intervals: Whether Markdown shows the 95 % confidence intervals of differences.
    """

    baseline: str
    metrics: list[str]
    rows: dict[str, dict[str, Cell]]
    notes: list[str] = field(default_factory=list)
    descriptions: dict[str, str] = field(default_factory=dict)
    intervals: bool = False

    def to_markdown(self) -> str:
        """The table, its legend and notes."""
        heads = ['variant', 'seeds', *(f'{m}{show_direction(m)}' for m in self.metrics)]
        lines = [_markdown_row(heads), _markdown_row(['---'] * len(heads))]
        for name, cells in self.rows.items():
            label = f'{name} (baseline)' if name == self.baseline else name
            shown = [_markdown_cell(cells[metric], self.intervals) for metric in self.metrics]
            lines.append(_markdown_row([label, show_seeds(cells), *shown]))
        lines += ['', *(f'* {sentence}' for sentence in [*self.legend(), *self.notes])]
        if self.descriptions:
            shared, own = split_descriptions({n: self.descriptions.get(n, '') for n in self.rows})
            lines += ['', _markdown_row(['variant', 'what it is']), '| --- | --- |']
            lines += [_markdown_row([name, what]) for name, what in own.items()]
            lines += [_markdown_row(['all', shared])] if shared else []
        return '\n'.join(lines) + '\n'

    def to_csv(self) -> str:
        """A line for each variant and metric, unrounded; what is not known is empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, _CSV_COLUMNS, lineterminator='\n', extrasaction='ignore')
        writer.writeheader()
        for name, cells in self.rows.items():
            for metric, cell in cells.items():
                direction = direction_of(metric)
                better = f'near {direction:g}' if isinstance(direction, float) else direction
                compared = {} if cell.comparison is None else asdict(cell.comparison)
                row = {**asdict(cell), **compared}
                writer.writerow(row | dict(variant=name, metric=metric, better=better))
        return text.getvalue()

    def to_latex(self) -> str:
        """A ``tabular`` for the package booktabs; what it means is in comments above it."""
        heads = [_escape(m) + _latex_arrow(m) for m in self.metrics]
        sentences = [
            'Needs the package booktabs.',
            'In brackets: difference to the baseline, p of a paired t-test, Holm-corrected over '
            f'variants; bold: p below {SIGNIFICANT}.',
            *self.notes,
        ]
        lines = [f'% {" ".join(sentence.split())}' for sentence in sentences]
        lines += [rf'\begin{{tabular}}{{lr{"l" * len(heads)}}}', r'\toprule']
        lines += [' & '.join(['variant', 'seeds', *heads]) + r' \\', r'\midrule']
        for name, cells in self.rows.items():
            label = _escape(f'{name} (baseline)' if name == self.baseline else name)
            shown = [_latex_cell(cells[metric]) for metric in self.metrics]
            seeds = show_seeds(cells).replace('–', '--')
            lines.append(' & '.join([label, seeds, *shown]) + r' \\')
        return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}', ''])

    def legend(self) -> list[str]:
        """What the values mean, in sentences."""
        cells = [c for row in self.rows.values() for c in row.values() if c.comparison]
        pairs = [c.comparison.num_pairs for c in cells if c.comparison.num_pairs]
        legend = ['Mean ± standard deviation over seeds.']
        if not pairs:
            return legend
        legend[0] += ' In brackets: difference to the baseline over the seeds that both have, ▲ '
        legend[0] += 'better, ▼ worse.'
        if self.intervals:
            legend[0] += f' {INTERVALS}'
        if max(pairs) >= FEWEST_PAIRS:
            num = min(p for p in pairs if p >= FEWEST_PAIRS)
            legend.append(
                'p: paired t-test over seeds, Holm-corrected over the variants of a column, not '
                f'over columns; bold: p below {SIGNIFICANT}. The test takes differences for '
                'normal. The sign-flip test in the CSV does not, but cannot fall below '
                f'{show_p(2 / 2**num)} with {num} seeds.'
            )
        if min(pairs) < FEWEST_PAIRS:
            legend.append(
                f'No p: n too small for a test, which takes {FEWEST_PAIRS} shared seeds or more.'
            )
        return legend


def make_ablation_table(
    values: Mapping[str, Mapping[int, Mapping[str, float]]],
    baseline: str,
    metrics: Sequence[str] | None = None,
    seen: Mapping[str, Collection[str]] | None = None,
) -> AblationTable:
    """Compare variants with a baseline, metric by metric.

    Args:
        values: Of each metric, by variant and seed.
        baseline: Name of a variant.
        metrics: Names, or patterns such as ``subband_*``; default those that were measured and of
            which it is known what is better, but for sub-bands, or all if there are none.
        seen: By variant the metrics of a network that it was trained with. They are shown, marked,
            and not compared.

    Returns:
        The table.

    Raises:
        ValueError: If the baseline is unknown, or a name fits nothing that was measured.

    Example:
        >>> values = dict(a={0: dict(swd=2.0), 1: dict(swd=4.0)}, b={0: dict(swd=1.0)})
        >>> print(make_ablation_table(values, 'a').to_markdown().split('*')[0].rstrip())
        | variant | seeds | swd ↓ |
        | --- | --- | --- |
        | a (baseline) | 2 | 3.0 ± 1.4 |
        | b | 1 | 1 (▲ -1) |
    """
    if baseline not in values:
        raise ValueError(f'baseline must be one of {", ".join(values)}, got {baseline!r}')
    chosen = _choose(values, metrics)
    order = [baseline, *(name for name in values if name != baseline)]
    rows: dict[str, dict[str, Cell]] = {name: {} for name in order}
    for metric in chosen:
        marked = {name for name in order if metric in (seen or {}).get(name, ())}
        compared = {name for name in order if not marked & {name, baseline}} - {baseline}
        cells = {
            name: replace(
                _make_cell(values, name, baseline, metric, name in compared), seen=name in marked
            )
            for name in order
        }
        others = [name for name in order if name in compared]
        for test in ('p_t', 'p_sign_flip'):
            corrected = holm([getattr(cells[name].comparison, test) for name in others])
            for name, p in zip(others, corrected, strict=True):
                cells[name] = replace(cells[name], **{f'{test}_holm': p})
        for name in order:
            rows[name][metric] = cells[name]
    return AblationTable(baseline, chosen, rows)


def _choose(
    values: Mapping[str, Mapping[int, Mapping[str, float]]], wanted: Sequence[str] | None
) -> list[str]:
    runs = [run for seeds in values.values() for run in seeds.values()]
    measured = list(dict.fromkeys(name for run in runs for name in run))
    if wanted is None:
        known = [m for m in measured if direction_of(m) is not None and 'subband_' not in m]
        return known or measured
    chosen: dict[str, None] = {}
    for pattern in wanted:
        found = [name for name in measured if fnmatchcase(name, pattern)]
        if not found:
            raise ValueError(
                f'metrics: nothing that was measured is called {pattern!r}; there are '
                f'{", ".join(measured) or "none"}'
            )
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _make_cell(
    values: Mapping[str, Mapping[int, Mapping[str, float]]],
    name: str,
    baseline: str,
    metric: str,
    is_compared: bool,
) -> Cell:
    own, base = (
        {
            seed: run[metric]
            for seed, run in values[each].items()
            if run.get(metric) is not None and math.isfinite(run[metric])
        }
        for each in (name, baseline)
    )
    found = list(own.values())
    mean = float(np.mean(found)) if found else None
    cell = Cell(len(found), mean, float(np.std(found, ddof=1)) if len(found) > 1 else None)
    if not is_compared:
        return cell
    direction = direction_of(metric)
    shared = sorted(own.keys() & base.keys())
    pairs = np.array([[own[seed], base[seed]] for seed in shared], float).reshape(-1, 2)
    if isinstance(direction, float):
        pairs = np.abs(pairs - direction)
    comparison = compare_pairs(pairs[:, 0], pairs[:, 1])
    verdict = ''
    if direction is not None and comparison.difference:
        verdict = 'better' if (comparison.difference > 0) == (direction == 'higher') else 'worse'
    return replace(cell, comparison=comparison, verdict=verdict)


def show_seeds(cells: Mapping[str, Cell]) -> str:
    """How many seeds the values of a row are from."""
    numbers = {cell.n for cell in cells.values()} or {0}
    return str(max(numbers)) if len(numbers) == 1 else f'{min(numbers)}–{max(numbers)}'


def mean_and_std(cell: Cell, plus_minus: str = ' ± ') -> str:
    """The mean to the digits that its standard deviation leaves it, two of which are shown.

    Example:
        >>> mean_and_std(Cell(n=3, mean=4.1234, std=0.0987))
        '4.123 ± 0.099'
    """
    if cell.mean is None:
        return ''
    if not cell.std:
        return f'{cell.mean:.4g}' + ('' if cell.std is None else f'{plus_minus}0')
    decimals = 1 - math.floor(math.log10(cell.std))
    if not 0 <= decimals <= 6:
        return f'{cell.mean:.4g}{plus_minus}{cell.std:.2g}'
    return f'{cell.mean:.{decimals}f}{plus_minus}{cell.std:.{decimals}f}'


def show_p(p: float, equals: str = ' ') -> str:
    """A p-value to two digits, or below 0.001."""
    return f'p{equals}{p:.2g}' if p >= 0.001 else f'p{equals.replace("=", "")}< 0.001'


def show_direction(metric: str) -> str:
    """An arrow to the better values of a metric, with a space before it; empty if not known."""
    direction = direction_of(metric)
    if isinstance(direction, float):
        return f' → {direction:g}'
    return {'lower': ' ↓', 'higher': ' ↑', None: ''}[direction]


def _markdown_cell(cell: Cell, intervals: bool = False) -> str:
    if cell.mean is None:
        return '–'
    text = mean_and_std(cell) + (f' {SEEN_MARK}' if cell.seen else '')
    found = cell.comparison
    if found is not None and found.difference is not None:
        mark = {'better': '▲ ', 'worse': '▼ ', '': ''}[cell.verdict]
        p = '' if cell.p_t_holm is None else f', {show_p(cell.p_t_holm)}'
        interval = show_interval(found) if intervals else ''
        text += f' ({mark}{found.difference:+.2g}{interval}{p})'
    return f'**{text}**' if cell.significant else text


def show_interval(found: PairedComparison) -> str:
    """The confidence interval of a difference in square brackets, if it is known."""
    return '' if found.low is None else f' [{found.low:+.2g}, {found.high:+.2g}]'


def _markdown_row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cell.replace("|", chr(92) + "|") for cell in cells)} |'


def _latex_arrow(metric: str) -> str:
    direction = direction_of(metric)
    if isinstance(direction, float):
        return rf' $\to {direction:g}$'
    return {'lower': r' $\downarrow$', 'higher': r' $\uparrow$', None: ''}[direction]


def _latex_cell(cell: Cell) -> str:
    if cell.mean is None:
        return '--'
    text = _latex_numbers(mean_and_std(cell, r' \pm ')) + (r'^\dagger' if cell.seen else '')
    text = rf'$\mathbf{{{text}}}$' if cell.significant else f'${text}$'
    found = cell.comparison
    if found is not None and found.difference is not None:
        p = '' if cell.p_t_holm is None else f', ${show_p(cell.p_t_holm, " = ")}$'
        text += f' (${_latex_numbers(f"{found.difference:+.2g}")}${p})'
    return text


def _latex_numbers(text: str) -> str:
    """Exponents as LaTeX has them."""
    words = []
    for word in text.split(' '):
        number, exponent, power = word.partition('e')
        words.append(rf'{number} \cdot 10^{{{int(power)}}}' if exponent else word)
    return ' '.join(words)


_LATEX = {
    '\\': r'\textbackslash{}',
    '~': r'\textasciitilde{}',
    '^': r'\textasciicircum{}',
    **{char: f'\\{char}' for char in '&%$#_{}'},
}


def _escape(text: str) -> str:
    """Text as LaTeX shows it letter by letter."""
    return ''.join(_LATEX.get(char, char) for char in text)
