"""What is aimed at on a GPU, held against the lines of a run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Lines = Sequence[dict]


@dataclass(frozen=True)
class Goal:
    """A goal, and what was found.

    Attributes:
        name: In words.
        wanted: The bound, as it is written.
        value: What was found; ``None`` where that was not measured.
        met: Whether the bound is kept.
    """

    name: str
    wanted: str
    value: float | None
    met: bool | None


def latest(lines: Lines) -> list[dict]:
    """Of every check the lines of its last run; a file may hold several runs."""
    runs: list[list[dict]] = []
    for line in lines:
        if line['check'] == 'run' or not runs:
            runs.append([])
        runs[-1].append(line)
    kept: list[dict] = []
    for run in runs:
        known = {line['check'] for line in kept}
        # What a later run had no time for was found before.
        run = [x for x in run if x.get('ended') != 'not begun' or x['check'] not in known]
        names = {line['check'] for line in run}
        kept = [line for line in kept if line['check'] not in names] + run
    return kept


def step_ms(lines: Lines, mode: str, family: str = 'fncontra') -> float | None:
    """Milliseconds of a step of 256 pixels and 8 images."""
    for line in lines:
        found = [line.get(key) for key in ('size', 'batch', 'mode', 'family')]
        if found == [256, 8, mode, family] and 'ms' in line:
            return line['ms']
    return None


def goals(lines: Lines) -> list[Goal]:
    """The goals, as far as lines say something about them."""
    eager, published = step_ms(lines, 'eager'), step_ms(lines, 'published')
    graphs = step_ms(lines, 'graphs')
    graphed = [step_ms(lines, mode) for mode in ('graphs', 'graphs bf16 channels_last')]
    fastest = min((ms for ms in graphed if ms is not None), default=None)
    baseline = step_ms(lines, 'graphs', 'fastgan')
    evaluated = [line['seconds_with_metrics'] for line in lines if 'seconds_with_metrics' in line]
    at_256 = '256 px, batch 8'
    return [
        _goal(f'published step / fastest with graphs, {at_256}', 3.0, _over(published, fastest)),
        _goal(f'eager / graphs, {at_256}', 2.5, _over(eager, graphs)),
        _goal(f'FNContra / FastGAN, graphs, {at_256}', 1.10, _over(graphs, baseline), most=True),
        _goal(
            '5,000 samples with FID, KID, precision and recall, s',
            60.0,
            evaluated[-1] if evaluated else None,
            most=True,
        ),
    ]


def _over(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a / b


def _goal(name: str, bound: float, value: float | None, most: bool = False) -> Goal:
    keeps: Callable[[float], bool] = (lambda x: x <= bound) if most else (lambda x: x >= bound)
    wanted = f'{"at most" if most else "at least"} {bound:g}'
    return Goal(name, wanted, value, None if value is None else keeps(value))
