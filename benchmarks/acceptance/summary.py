"""The lines of a run as a table."""

from collections.abc import Sequence

from .goals import goals, latest

_LEFT_OUT = ('check', 'at', 'dry_run', 'fine', 'costliest')


def show(lines: Sequence[dict]) -> None:
    """Print what was found, line by line, what went wrong, and which goals are met."""
    for line in lines:
        sign = {True: '+', False: '!'}.get(line.get('fine'), ' ')
        facts = '  '.join(f'{k} {_text(v)}' for k, v in line.items() if k not in _LEFT_OUT)
        print(f'{sign} {line["at"]:6.1f} {line["check"]:14} {facts}')
    if not any(line.get('dry_run') for line in lines):
        for goal in goals(latest(lines)):
            value = 'not measured' if goal.value is None else f'{goal.value:.3g}'
            sign = {True: '+', False: '-', None: ' '}[goal.met]
            print(f'{sign} goal: {goal.name}: {value}, {goal.wanted}')
    wrong = sum(line.get('fine') is False for line in lines)
    print(f'{len(lines)} lines, {wrong} of something wrong')


def _text(value: object) -> str:
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k} {_text(v)}' for k, v in value.items()) + '}'
    return str(value)
