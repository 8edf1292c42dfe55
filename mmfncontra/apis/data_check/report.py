"""A check of images as text for a screen."""

from collections.abc import Iterator, Sequence

from mmfncontra.launch.typed import typed
from mmfncontra.utils.console import shell_line, shown_name

from .check import DataCheck, summarise
from .duplicates import Duplicates

_GROUPS, _BROKEN = 10, 10


def describe_check(check: DataCheck) -> str:
    """Write what was found, aligned, problems last.

    Args:
        check: What :func:`check_data` returned.

    Returns:
        Lines of plain text.
    """
    rows = [
        *_describe_images(check),
        *_describe_duplicates(check),
        ('flips', f'{check.flips.verdict}: {check.flips.reason} (a heuristic)'),
        *_describe_training(check),
    ]
    width = max(len(key) for key, _ in rows) + 2
    lines = [shown_name(check.data), '']
    last = None
    for key, text in rows:
        lines.append(f'{"" if key == last else key:<{width}}{text}')
        last = key
    for title, pressing in (('To repair', True), ('To know', False)):
        findings = [f for f in check.findings if f.must_repair == pressing]
        if findings:
            lines += ['', title]
        for finding in findings:
            lines += [f'  * {finding.message}', f'    → {finding.remedy}']
    lines += ['', _conclude(check)]
    return '\n'.join(lines)


def _describe_images(check: DataCheck) -> Iterator[tuple[str, str]]:
    broken = [image.error for image in check.images if image.error]
    good = check.readable
    yield 'files', f'{len(check.images)}, of which {len(good)} can be read'
    if check.left_out:
        yield 'left out', _counted(check.left_out)
    for error in _some(broken, _BROKEN):
        yield 'broken', error
    if not good:
        return
    summary = summarise(good)
    for key, name in (('width', 'width'), ('height', 'height'), ('side', 'shorter side')):
        low, middle, high = summary[key]
        yield name, f'{low:.0f} … {high:.0f} pixels, median {middle:.0f}'
    low, middle, high = summary['aspect']
    yield 'width / height', f'{low:.2f} … {high:.2f}, median {middle:.2f}'
    below = [f'{count} below {size}' for size, count in summary['below'].items()]
    yield 'too small for', ', '.join(below)
    yield 'formats', _counted(summary['formats'])
    extras = [
        f'{summary[key]} {text}'
        for key, text in (
            ('alpha', 'may be transparent (put on white)'),
            ('rotated', 'turned by EXIF'),
        )
        if summary[key]
    ]
    yield 'colours', '; '.join([_counted(summary['modes']), *extras])
    if check.classes:
        yield 'folders', _counted(check.classes)


def _describe_duplicates(check: DataCheck) -> Iterator[tuple[str, str]]:
    names = [shown_name(image.name) for image in check.readable]
    duplicates: Duplicates = check.duplicates
    kinds = (
        ('same pixels', duplicates.exact),
        ('near duplicates', duplicates.near),
        ('mirrored copies', duplicates.mirrored),
    )
    for kind, groups in kinds:
        lines = [' = '.join(names[index] for index in group) for group in groups]
        for line in _some(lines, _GROUPS) or ['none']:
            yield kind, line


def _describe_training(check: DataCheck) -> Iterator[tuple[str, str]]:
    yield 'size', f'{check.size} × {check.size}'
    yield 'config', check.config or 'none'
    if check.other_configs:
        yield 'or', ', '.join(check.other_configs)
    cost = check.cost
    if cost is None:
        yield 'cost', 'not measured'
        return
    where = 'this processor' if cost.device == 'cpu' else cost.device
    thousand = cost.seconds * 1000
    yield '1,000 iterations', f'{_duration(thousand)} on {where}, {cost.method}'
    if check.iterations:
        whole = _duration(cost.seconds * check.iterations)
        yield 'whole training', f'{whole} for {check.iterations:,} iterations'
    if cost.device == 'cpu' and cost.load > 1.2:
        yield 'note', f'the processor was busy (load {cost.load:.1f} a core): less when it is idle'
    kind = 'of this process' if cost.device == 'cpu' else 'of the GPU'
    images = 3 * check.size**2 * len(check.readable) / 2**20
    yield (
        'peak memory',
        (
            f'{cost.memory_mb / 1024:.1f} GiB {kind} at batch {cost.batch_size}, '
            f'and {images:.0f} MiB of images in main memory'
        ),
    )


def _conclude(check: DataCheck) -> str:
    if not check.trainable:
        return 'Not ready: repair what is listed, and check again.'
    size = ['--size', str(check.size)] if check.needs_size else []
    words = [*typed('train'), check.config, *size, '--data', check.data]
    return f'Ready: {shell_line(*words)}'


def _some(lines: Sequence[str], most: int) -> list[str]:
    more = [f'and {len(lines) - most} more (all of them with --json)']
    return [*lines[:most], *(more if len(lines) > most else [])]


def _counted(counts: dict[str, int]) -> str:
    return _some_words([f'{count} {shown_name(name)}' for name, count in counts.items()])


def _some_words(words: list[str], most: int = 8) -> str:
    return ', '.join(words[:most]) + (f', and {len(words) - most} more' if words[most:] else '')


def _duration(seconds: float) -> str:
    for unit, length in (('days', 86400), ('hours', 3600), ('minutes', 60)):
        if seconds >= 2 * length:
            return f'{seconds / length:.1f} {unit}'
    return f'{seconds:.0f} seconds'
