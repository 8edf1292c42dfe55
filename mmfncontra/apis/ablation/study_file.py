"""A study as one JSON file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmfncontra.evaluation.card import MetricCard
from mmfncontra.utils.files import write_json

from .study import Study, StudyRun

FORMAT = 'mmfncontra study'
VERSION = 1
_WORDS = {str: 'text', int: 'a whole number', list: 'a list', dict: 'names with values'}


def write_study(study: Study, path: str | Path) -> Path:
    """Write a study as JSON; a reader never sees half of it.

    What the cards depend on is written once for all that agree in it, and under ``run`` once for
    each run.

    Args:
        study: The study.
        path: The file; its folder is made.

    Returns:
        The path.

    Raises:
        OSError: If the file cannot be written.
    """
    depends: list[dict] = []
    content = dict(
        format=FORMAT,
        version=VERSION,
        title=study.title,
        baseline=study.baseline,
        variants=dict(study.variants),
        unfinished=list(study.unfinished),
        runs=[_run_content(run, depends) for run in study.runs],
    )
    return write_json(path, dict(content, depends=depends))


def _run_content(run: StudyRun, depends: list[dict]) -> dict:
    own = [card.depends.get('run', {}) for card in run.cards.values()]
    shared = {
        key: value
        for key, value in (own[0] if own else {}).items()
        if all(key in each and each[key] == value for each in own)
    }
    cards = []
    for iteration, card in sorted(run.cards.items()):
        content = card.to_dict()
        facts = content.pop('depends')
        rest = {key: value for key, value in facts.pop('run', {}).items() if key not in shared}
        if facts not in depends:
            depends.append(facts)
        kept = {key: content[key] for key in ('metrics', 'warnings') if content[key]}
        place = dict(iteration=iteration, depends=depends.index(facts), run=rest)
        cards.append(place | kept)
    return dict(
        variant=run.variant,
        seed=run.seed,
        command=run.command,
        max_iters=run.max_iters,
        config_hash=run.config_hash,
        run=shared,
        cards=cards,
    )


def is_study(path: str | Path) -> bool:
    """Whether a file says that it is a study.

    Args:
        path: The file.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get('format') == FORMAT


def read_study(path: str | Path) -> Study:
    """Read a study.

    Args:
        path: File that :func:`write_study` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no study, or of another version; the message names file and key.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no study at {path}')
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        return _study(_Part(content, ''))
    # Python reads no numbers of thousands of digits, and no lists in thousands of lists.
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} cannot be read as a study: {error}') from error


class _Part:
    """A part of the file, which knows its place."""

    def __init__(self, content: Any, place: str) -> None:
        if not isinstance(content, dict):
            raise ValueError(f'{place or "it"} must be {_WORDS[dict]}, got {_short(content)}')
        self.content, self.place = content, place

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """A value of a type; of a list or a mapping the type says nothing of what is in it."""
        value = self.content.get(key, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f'{self._name(key)} must be {_WORDS[kind]}, got {_short(value)}')
        return value

    def texts(self, key: str) -> list[str]:
        """A list of text."""
        for text in self.take(key, list):
            if not isinstance(text, str):
                raise ValueError(f'{self._name(key)} must hold {_WORDS[str]}, got {_short(text)}')
        return self.content[key]

    def parts(self, key: str) -> list['_Part']:
        """The parts that a list has."""
        items = enumerate(self.take(key, list))
        return [_Part(item, f'{self._name(key)}[{number}]') for number, item in items]

    def _name(self, key: str) -> str:
        return f'{self.place}.{key}' if self.place else key


def _short(value: Any) -> str:
    return f'{value!r:.40}'


def _study(file: _Part) -> Study:
    if file.content.get('format') != FORMAT:
        raise ValueError(f'format must be {FORMAT!r}, got {_short(file.content.get("format"))}')
    if file.content.get('version') != VERSION:
        raise ValueError(f'version must be {VERSION}, got {_short(file.content.get("version"))}')
    variants = file.take('variants', dict)
    known = ', '.join(variants)
    described = _Part(variants, 'variants')
    for name in variants:
        described.take(name, str)
    baseline = file.take('baseline', str)
    if baseline not in variants:
        raise ValueError(f'baseline must be one of {known}, got {_short(baseline)}')
    depends = [part.content for part in file.parts('depends')]
    runs = [_run(part, depends) for part in file.parts('runs')]
    for number, run in enumerate(runs):
        if run.variant not in variants:
            raise ValueError(f'runs[{number}].variant must be one of {known}, got {run.variant!r}')
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError('runs must differ in variant or seed')
    if not any(run.cards for run in runs):
        raise ValueError('runs must be one or more with cards, got none')
    unfinished = file.texts('unfinished')
    return Study(file.take('title', str), baseline, variants, runs, unfinished)


def _run(part: _Part, depends: Sequence[dict]) -> StudyRun:
    shared = part.take('run', dict)
    cards: dict[int, MetricCard] = {}
    for card in part.parts('cards'):
        iteration = card.take('iteration', int)
        if iteration in cards:
            raise ValueError(f'{card.place}.iteration is there twice, {iteration}')
        cards[iteration] = _card(card, shared, depends)
    return StudyRun(
        variant=part.take('variant', str),
        seed=part.take('seed', int),
        command=part.take('command', str),
        max_iters=part.take('max_iters', int),
        config_hash=part.take('config_hash', str),
        cards=cards,
    )


def _card(part: _Part, shared: Mapping, depends: Sequence[dict]) -> MetricCard:
    number = part.take('depends', int)
    if not 0 <= number < len(depends):
        raise ValueError(f'{part.place}.depends must be 0 to {len(depends) - 1}, got {number}')
    run = {**shared, **part.take('run', dict)}
    try:
        return MetricCard.from_dict(
            dict(
                iteration=part.take('iteration', int),
                metrics=part.take('metrics', dict, {}),
                depends={**depends[number], 'run': run},
                warnings=part.take('warnings', list, []),
            )
        )
    except ValueError as error:
        raise ValueError(f'{part.place}: {error}') from error
