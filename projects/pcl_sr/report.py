"""The table and the sentences under it, in Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

BEGIN = '<!-- results: written by run.py -->'
END = '<!-- end of results -->'
NAMES = dict(edsr='EDSR', srgan='SRGAN', esrgan='ESRGAN')
Scores = Mapping[str, Sequence[float]]


def spread(values: Sequence[float]) -> float:
    """Standard deviation of a sample; 0 of one number."""
    return stdev(values) if len(values) > 1 else 0.0


def write_table(psnr: Scores, ssim: Scores, detail: Scores, seconds: Scores) -> str:
    """The table.

    Args:
        psnr: Values of the seeds by config, such as ``edsr`` and ``edsr_contrast``; ``bicubic`` has
            one value.
        ssim: The same of SSIM.
        detail: The same of the detail, as a share of the truth's.
        seconds: The same of the time a training took.

    Returns:
        Markdown.
    """
    lines = [
        '| model | PSNR, dB | SSIM | detail | gain in PSNR | gain in SSIM | seconds |',
        '|---|---|---|---|---|---|---|',
        f'| bicubic | {psnr["bicubic"][0]:.2f} | {ssim["bicubic"][0]:.4f} '
        f'| {detail["bicubic"][0]:.2f} | | | |',
    ]
    for name, title in NAMES.items():
        for config, label in ((name, title), (f'{name}_contrast', f'{title} + contrast')):
            cells = [
                _cell(psnr[config], '.2f'),
                _cell(ssim[config], '.4f'),
                _cell(detail[config], '.2f'),
                '',
                '',
            ]
            if config != name:
                cells[3:] = [
                    _cell(_differences(values, name), f'+{digits}')
                    for values, digits in ((psnr, '.2f'), (ssim, '.4f'))
                ]
            lines.append(f'| {label} | {" | ".join(cells)} | {mean(seconds[config]):.0f} |')
    return '\n'.join(lines)


def write_findings(psnr: Scores, ssim: Scores) -> str:
    """What the table says, and what it does not.

    Args:
        psnr: As in :func:`write_table`.
        ssim: As in :func:`write_table`.

    Returns:
        Markdown, a line for each model.
    """
    return '\n'.join(
        f'* {title}: '
        + '; '.join(
            (
                _finding('PSNR', psnr, name, '.2f', ' dB'),
                _finding('SSIM', ssim, name, '.4f', ''),
            )
        )
        + '.'
        for name, title in NAMES.items()
    )


def insert(text: str, block: str) -> str:
    """Put a block between the markers of a text, or at its end where it has none."""
    block = f'{BEGIN}\n\n{block}\n\n{END}'
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f'{before}{block}{after}' if begin and end else f'{text}{block}\n'


def update_readme(file: Path, block: str) -> None:
    """Write a block between the markers of a file, which is made where it is not there."""
    file.write_text(
        insert(file.read_text(encoding='utf-8') if file.is_file() else '', block), encoding='utf-8'
    )


def _differences(values: Scores, name: str) -> list[float]:
    # A seed draws the same patches and the same first weights for both.
    return [b - a for a, b in zip(values[name], values[f'{name}_contrast'], strict=True)]


def _cell(values: Sequence[float], digits: str) -> str:
    return f'{mean(values):{digits}} ± {spread(values):{digits.removeprefix("+")}}'


def _finding(metric: str, values: Scores, name: str, digits: str, unit: str) -> str:
    gain = mean(_differences(values, name))
    noise = max(spread(values[name]), spread(values[f'{name}_contrast']))
    numbers = f'{metric} {gain:+{digits}}{unit}'
    if len(values[name]) < 2:
        return f'{numbers}, of one seed'
    if abs(gain) <= noise:
        return f'{numbers}, within the deviation over seeds ({noise:{digits}}): no difference shown'
    return f'{numbers}, {"better" if gain > 0 else "worse"} by more than the deviation over seeds'
