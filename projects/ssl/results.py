"""Probe accuracies as a Markdown table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmfncontra.utils.checks import check_writable

BEGIN, END = '<!-- results: written by run.py -->', '<!-- results: end -->'

Accuracies = Mapping[tuple[str, str], Sequence[float]]
"""Test accuracies in [0, 1], one a seed, by method and variant; untrained ones by ('', '')."""


def format_accuracies(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds, in per cent.

    Args:
        values: Accuracies in [0, 1].

    Example:
        >>> format_accuracies([0.5, 0.6]), format_accuracies([0.5])
        ('55.0 ± 7.1', '50.0')
    """
    mean = f'{100 * np.mean(values):.1f}'
    return mean if len(values) < 2 else f'{mean} ± {100 * np.std(values, ddof=1):.1f}'


def compare(values: Sequence[float], plain: Sequence[float]) -> tuple[float, bool]:
    """Difference of the means, and whether it is larger than chance between seeds makes it.

    Args:
        values: Accuracies of a variant.
        plain: Those of the plain method.

    Returns:
        The difference, and whether it is larger than both standard deviations over seeds; with one
        seed it never is.

    Example:
        >>> compare([0.75, 0.75], [0.5, 0.5])
        (0.25, True)
    """
    difference = float(np.mean(values) - np.mean(plain))
    if min(len(values), len(plain)) < 2:
        return difference, False
    spread = max(np.std(values, ddof=1), np.std(plain, ddof=1))
    return difference, bool(abs(difference) > spread)


def format_table(accuracies: Accuracies, num_test: int) -> str:
    """The table of one data set, and what may be read in it.

    Args:
        accuracies: See :data:`Accuracies`; variants in the order of their rows, the plain one
            named 'plain'.
        num_test: Images that were tested on.

    Returns:
        Markdown.
    """
    untrained = accuracies['', '']
    lines = [
        '| method | variant | test accuracy, % | difference from plain |',
        '|---|---|---|---|',
        f'| none | random weights | {format_accuracies(untrained)} | |',
    ]
    clear, unclear = [], []
    for (method, variant), values in accuracies.items():
        if not method:
            continue
        difference = ''
        if variant != 'plain':
            change, is_clear = compare(values, accuracies[method, 'plain'])
            difference = f'{100 * change:+.1f}'
            (clear if is_clear else unclear).append(f'{method} with {variant} ({difference})')
        lines.append(f'| {method} | {variant} | {format_accuracies(values)} | {difference} |')
    taught_nothing = [
        method
        for (method, variant), values in accuracies.items()
        if variant == 'plain' and len(untrained) > 1 and not _is_better(values, untrained)
    ]
    lines += ['', _reading(clear, unclear, len(untrained), num_test)]
    if taught_nothing:
        lines += [
            '',
            f'Plain {" and ".join(taught_nothing)} did not get clearly beyond random weights here: '
            'what so few images teach in so short a training says nothing of the variants.',
        ]
    return '\n'.join(lines)


def _is_better(values: Sequence[float], others: Sequence[float]) -> bool:
    difference, is_clear = compare(values, others)
    return is_clear and difference > 0


def _reading(clear: list[str], unclear: list[str], num_seeds: int, num_test: int) -> str:
    image = f'one of the {num_test} test images is {100 / num_test:.1f} points'
    if num_seeds < 2:
        return f'One seed: no difference can be told from chance; {image}.'
    parts = []
    if clear:
        parts.append(
            f'Larger than the standard deviation over {num_seeds} seeds: {", ".join(clear)}.'
        )
    if unclear:
        parts.append(
            f'Within it, and so not to be told from chance: {", ".join(unclear)}.'
            if clear
            else 'All differences from plain are within the standard deviation over '
            f'{num_seeds} seeds, and so not to be told from chance.'
        )
    parts.append(f'{num_seeds} seeds are few, and {image}: this is no ranking of the methods.')
    return ' '.join(parts)


def split_at_results(file: Path) -> tuple[str, str]:
    """What stands before the results of a file and after them.

    Args:
        file: Markdown file, which may not be there yet; its folder is made.

    Raises:
        ValueError: If it cannot be written, or is there and has no markers.
    """
    check_writable(file, '--out')
    if not file.exists():
        return '', ''
    before, begin, rest = file.read_text(encoding='utf-8').partition(BEGIN)
    _, end, after = rest.partition(END + '\n')
    if not (begin and end):
        raise ValueError(f'{file} must have the lines {BEGIN} and {END}, or not be there')
    return before, after


def write_results(file: Path, text: str) -> None:
    """Put results between the markers of a file, or make a file of them.

    Args:
        file: Markdown file.
        text: What to write.

    Raises:
        ValueError: See :func:`split_at_results`.
    """
    before, after = split_at_results(file)
    file.write_text(f'{before}{BEGIN}\n\n{text}\n\n{END}\n{after}', encoding='utf-8')
