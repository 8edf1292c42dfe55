#!/usr/bin/env python
"""Write the figures of acceptance runs on GPUs into docs/benchmarks.md.

python benchmarks/gpu_tables.py docs/gpu/*.jsonl
"""

import argparse
import contextlib
import os
from collections.abc import Iterator, Sequence
from json import JSONDecodeError
from pathlib import Path

from acceptance.goals import goals, latest
from acceptance.run import read_lines, refuse

ROOT = Path(__file__).resolve().parents[1]
START = '<!-- gpu figures: written by benchmarks/gpu_tables.py -->'
END = '<!-- end -->'
_NAMES = {
    'fastgan': 'FastGAN',
    'fncontra': 'with FNContra',
    'projected': 'projected FastGAN-lite',
    'projected-fncontra': 'projected, with FNContra',
}
# Of what a training came to.
_FOUND = ('swd', 'diversity_ratio', 'copy_rate')
_FOUND += ('fd_lite2', 'kid_lite2', 'precision_lite2', 'recall_lite2', 'copy_rate_lite2')


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Write the figures of acceptance runs on GPUs into a page, in place of those '
        'that are between its two marks.'
    )
    parser.add_argument('results', nargs='+', metavar='FILE', help='of gpu_acceptance.py')
    parser.add_argument(
        '--page', metavar='FILE', default=ROOT / 'docs/benchmarks.md', help='default: %(default)s'
    )
    return parser.parse_args()


def main() -> None:
    """Read the results and write the page."""
    args = parse_args()
    page = Path(args.page)
    text = page.read_text(encoding='utf-8')
    if text.count(START) != 1 or END not in text.partition(START)[2]:
        refuse(f"{page} has no place for figures: a line '{START}' and, below it, '{END}'")
    figures = '\n\n'.join(
        section(read(Path(file)), link(Path(file), page)) for file in args.results
    )
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f'{before}{START}\n{figures}\n{END}{after}', encoding='utf-8')


def link(file: Path, page: Path) -> str:
    """Link from a page to a file."""
    return f'[{file.name}]({os.path.relpath(file, page.parent)})'


def read(file: Path) -> list[dict]:
    """Lines of a results file, of every check its last ones; what is no evidence is refused."""
    try:
        lines = read_lines(file)
    except (OSError, JSONDecodeError, UnicodeDecodeError) as error:
        refuse(f'{file} cannot be read as results: {error}')
    if not lines:
        refuse(f'{file} has no lines')
    if any(line.get('dry_run') for line in lines):
        refuse(f'{file} is of a dry run, whose figures say nothing')
    if not any(line.get('check') == 'environment' and 'torch' in line for line in lines):
        refuse(f'{file} does not say what it was measured on: it has no check environment')
    return latest(lines)


def section(lines: Sequence[dict], source: str) -> str:
    """All figures of a run."""
    machine = next(x for x in lines if x['check'] == 'environment' and 'torch' in x)
    date = next(line['date'] for line in reversed(lines) if 'date' in line)
    parts = [
        f'### {machine["device"]}, {date}',
        f'Torch {machine["torch"]}, CUDA {machine.get("cuda")}, cuDNN {machine.get("cudnn")}, '
        f'Python {machine["python"]}, {machine["cpus"]} CPU cores; {_ceilings(lines)}{source}.',
        _table(
            ['goal', 'wanted', 'found', ''],
            [
                [g.name, g.wanted, _number(g.value), {True: 'met', False: 'not met'}.get(g.met, '')]
                for g in goals(lines)
            ],
        ),
        *_steps(lines),
        *_lazy(lines),
        *_trained(lines),
        '\n'.join(_others(lines)),
    ]
    return '\n\n'.join(part for part in parts if part)


def _ceilings(lines: Sequence[dict]) -> str:
    for line in lines:
        if 'copy_tb_s' in line:
            return (
                f'a copy reaches {_number(line["copy_tb_s"])} TB/s, a product '
                f'{_number(line["float32"])} TFLOP/s in TF32 and {_number(line["bfloat16"])} in '
                'bfloat16; '
            )
    return ''


def _steps(lines: Sequence[dict]) -> Iterator[str]:
    """A table for each size of images and batches."""
    found: dict[tuple[int, int], dict[tuple[str, str], dict]] = {}
    ratios = {}
    for line in lines:
        if 'mode' in line:
            case = line['size'], line['batch']
            if 'family' in line:
                row = found.setdefault(case, {}).setdefault((line['mode'], line['family']), {})
                row.update(line)
            elif 'fncontra_over_fastgan' in line:
                ratios[case, line['mode']] = line['fncontra_over_fastgan']
    for case, rows in found.items():
        columns = ('img_s', 'host_ms', 'launches', 'kernels', 'busy_ms', 'peak_mib')
        yield _table(
            [
                f'{case[0]} px, batch {case[1]}',
                '',
                'ms (least)',
                'over FastGAN',
                'img/s',
                'host, ms',
                'launches',
                'kernels',
                'GPU busy, ms',
                'peak, MiB',
                'of the floor',
            ],
            [
                [
                    mode,
                    _NAMES.get(family, family),
                    f'{_number(row.get("ms"))} ({_number(row.get("least_ms"))})',
                    _number(ratios.get((case, mode))) if family == 'fncontra' else '',
                    *(_number(row.get(column)) for column in columns),
                    f'{row["of_floor"]:.0%}' if 'of_floor' in row else '',
                ]
                for (mode, family), row in rows.items()
            ],
        )


def _lazy(lines: Sequence[dict]) -> Iterator[str]:
    rows: dict[str, dict] = {}
    for line in lines:
        if line['check'] == 'lazy' and 'step' in line:
            rows.setdefault(line['step'], {}).update(line)
    if rows:
        yield _table(
            ['StyleGAN2-ADA with FNContra, 256 px, batch 8, eager', 'ms', 'kernels'],
            [
                [name.replace('_', ' '), _number(row.get('ms')), _number(row.get('kernels'))]
                for name, row in rows.items()
            ],
        )


def _trained(lines: Sequence[dict]) -> Iterator[str]:
    rows = [x for x in lines if 'grid' in x]
    if rows:
        yield _table(
            ['trained on', '', 'seconds', 'iterations', *(f'`{name}`' for name in _FOUND)],
            [
                [
                    x.get('photographs', 'drawn shells, 64 px'),
                    _NAMES.get(x['family'], x['family']),
                    *(_number(x.get(key)) for key in ('lasting', 'iterations', *_FOUND)),
                ]
                for x in rows
            ],
        )


# What a line of a check says, if it has the facts.
_SENTENCES = {
    'tests': 'Tests on the GPU: {tests} of them, {failed} failed, {skipped} skipped.',
    'resume': 'Left and resumed, {kind}: {differ} of {tensors} tensors differ, at most by '
    '{largest_difference:.2g}.',
    'nccl': 'Launched with {processes} processes: {iterations} iterations, exit code {exit_code}.',
    'sampling': '{images} samples of 256 px with FID, KID, precision and recall: '
    '{seconds_with_metrics} s; one by one takes {one_by_one_over_batches} times as long.',
}


def _others(lines: Sequence[dict]) -> Iterator[str]:
    """What is said in a sentence each; the last ones say what went wrong or was left out."""
    errors = [max(line['errors'].values()) for line in lines if line.get('errors')]
    if errors:
        yield (
            f'* Agreement with the CPU in float32: {len(errors)} parts, largest relative error '
            f'{max(errors):.2g}.'
        )
    for line in lines:
        if sentence := _SENTENCES.get(line['check']):
            with contextlib.suppress(KeyError):
                yield f'* {sentence.format(**line)}'
    for line in lines:
        keys = ('test', 'part', 'mode', 'kind', 'photographs', 'family')
        named = (line[key] for key in keys if key in line)
        what = ', '.join([line['check'], *named])
        if line.get('fine') is False:
            said = ' '.join(str(line.get('error') or line.get('ended') or 'see the file').split())
            yield f'* Not fine: {what}: {said}'
        elif isinstance(line.get('skipped'), str):  # of tests it is their number
            yield f'* Not measured: {what}: {line["skipped"]}.'


def _number(value: float | None) -> str:
    """Three digits, or what a whole number has."""
    if value is None:
        return ''
    if isinstance(value, int) or abs(value) >= 100:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


if __name__ == '__main__':
    main()
