"""What a training left in its folder, read without importing or running any of it."""

import ast
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from mmfncontra.evaluation.card import MetricCard
from mmfncontra.utils.files import expand_home

from ..curves import read_scalars

# Where a run lies and how it starts: what else differs between runs of several seeds.
_PLACE = ('work_dir', 'resume', 'load_from', 'launcher')


@dataclass
class RunRecord:
    """A training, as far as its folder tells.

    Attributes:
        path: The folder.
        name: What to call the run.
        scalars: One dict per logged iteration: ``step`` and named scalars.
        samples: Picture of samples by iteration, in order.
        cards: Metric cards by iteration, in order.
        neighbours: Picture of nearest neighbours by iteration, in order.
        verdicts: The doctor's, in order: ``iteration``, ``verdict``, ``message``, ``advice``.
        negatives: Picture of real images and their negatives.
        config: Text of the config.
        environment: System and versions, as the log has them.
        notes: What could not be read, in sentences.
    """

    path: Path
    name: str = ''
    scalars: list[dict] = field(default_factory=list)
    samples: dict[int, Path] = field(default_factory=dict)
    cards: dict[int, MetricCard] = field(default_factory=dict)
    neighbours: dict[int, Path] = field(default_factory=dict)
    verdicts: list[dict] = field(default_factory=list)
    negatives: Path | None = None
    config: str = ''
    environment: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def iterations(self) -> int:
        """Iterations done, as far as anything shows."""
        logged = (record['step'] for record in self.scalars)
        told = (verdict['iteration'] for verdict in self.verdicts)
        return max((0, *logged, *self.samples, *self.cards, *told))

    @property
    def max_iters(self) -> int | None:
        """Iterations that the config asks for."""
        value = _config_value(self.config, 'train_cfg', 'max_iters')
        return value if isinstance(value, int) else None

    @property
    def seed(self) -> int | None:
        """Seed of the training, from the config or, where that leaves it open, from the log."""
        value = _config_value(self.config, 'randomness', 'seed')
        logged = self.environment.get('seed', '')
        return int(logged) if value is None and logged.isdecimal() else value


def read_run(work_dir: str | Path) -> RunRecord:
    """Read the folder of a training. Nothing in it is executed, the config neither.

    What is missing stays empty; what is broken is left out, with a sentence in ``notes``.

    Args:
        work_dir: Folder of logs, samples and metrics.

    Returns:
        What it holds.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If nothing in it comes from a training.
    """
    path = expand_home(work_dir)
    if not path.is_dir():
        found = 'is a file' if path.exists() else 'does not exist'
        raise FileNotFoundError(f'WORK_DIR must be the folder of a training, but {path} {found}')
    run = RunRecord(path=path, name=path.resolve().name or str(path))
    run.samples = _by_iteration(path.glob('samples/iter_*.png'))
    run.neighbours = _by_iteration(path.glob('metrics/iter_*_neighbours.png'))
    run.negatives = next(path.glob('negatives.png'), None)
    _read_scalars(run)
    _read_cards(run)
    _read_verdicts(run)
    if not (run.samples or run.scalars or run.cards or run.verdicts or run.notes):
        raise ValueError(
            f'WORK_DIR {path} is no folder of a training: it has no samples/iter_*.png, no '
            '*/vis_data/scalars.json, no metrics/iter_*.json and no doctor.json'
        )
    configs = sorted(path.glob('*.py'), key=lambda file: file.stat().st_mtime)
    if configs:
        run.config = configs[-1].read_text(encoding='utf-8', errors='replace')
    logs = sorted(path.glob('*/*.log'))
    if logs:
        run.environment = _read_environment(logs[-1])
    return run


def config_without_seed(text: str) -> str:
    """What runs have in common that differ in nothing but their seed.

    Args:
        text: A config.

    Returns:
        A key that is the same for such configs, whatever their formatting and their folders;
        the text itself if it is no Python.

    Example:
        >>> a, b = (config_without_seed(f'randomness = dict(seed={seed})') for seed in (0, 1))
        >>> a == b != config_without_seed('randomness = dict(deterministic=True)')
        True
    """
    tree = _parse(text)
    if tree is None:
        return text
    kept = []
    for name, statement in _assignments(tree):
        if name in _PLACE:
            continue
        if name == 'randomness' and isinstance(statement.value, ast.Call):
            statement = copy.deepcopy(statement)
            keywords = statement.value.keywords
            statement.value.keywords = [k for k in keywords if k.arg != 'seed']
        kept.append(ast.dump(statement))
    return '\n'.join(kept)


def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.Assign]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement


def _config_value(text: str, section: str, key: str) -> object:
    """A constant of a dumped config, such as ``seed`` in ``randomness = dict(seed=0)``."""
    for name, statement in _assignments(_parse(text) or ast.Module([], [])):
        if name == section and isinstance(statement.value, ast.Call):
            for keyword in statement.value.keywords:
                if keyword.arg == key and isinstance(keyword.value, ast.Constant):
                    return keyword.value.value
    return None


def _by_iteration(paths: Iterator[Path]) -> dict[int, Path]:
    numbered = {}
    for path in paths:
        match = re.match(r'iter_(\d+)', path.name)
        if match:
            numbered[int(match[1])] = path
    return dict(sorted(numbered.items()))


def _read_scalars(run: RunRecord) -> None:
    broken = 0
    for path in run.path.glob('*/vis_data/scalars.json'):
        with path.open(encoding='utf-8', errors='replace') as lines:
            broken += sum(not _is_record(line) for line in lines if line.strip())
    if broken:
        run.notes.append(f'{broken} broken line(s) of scalars.json left out')
    try:
        records = read_scalars(run.path)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        run.notes.append(f'scalars.json cannot be read: {error}')
        return
    run.scalars = [record for record in records if isinstance(record['step'], int)]


def _is_record(line: str) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and isinstance(record.get('step'), int)


def _read_cards(run: RunRecord) -> None:
    cards = {}
    for number, path in _by_iteration(run.path.glob('metrics/iter_*.json')).items():
        try:
            card = MetricCard.read(path)
        except (OSError, ValueError) as error:
            run.notes.append(f'metric card left out: {error}')
            continue
        cards[number if card.iteration is None else card.iteration] = card
    run.cards = dict(sorted(cards.items()))


def _read_verdicts(run: RunRecord) -> None:
    path = run.path / 'doctor.json'
    if not path.is_file():
        return
    try:
        entries = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        run.notes.append(f'doctor.json cannot be read: {error}')
        return
    sound = [
        entry
        for entry in (entries if isinstance(entries, list) else [entries])
        if isinstance(entry, dict)
        and isinstance(entry.get('iteration'), int)
        and isinstance(entry.get('verdict'), str)
    ]
    if sound != entries:
        run.notes.append('entries of doctor.json without an iteration or a verdict left out')
    run.verdicts = sorted(sound, key=lambda entry: entry['iteration'])


def _read_environment(log: Path) -> dict[str, str]:
    """The block between rules of dashes at the head of mmengine's log, a key and a value a line."""
    found = {}
    with log.open(encoding='utf-8', errors='replace') as lines:
        for line in islice(lines, 200):
            if 'Config:' in line:
                break
            match = re.match(r' {4}(\w[^:]*): (.+)$', line)
            if match and match[1] != 'PyTorch compiling details':
                found[match[1]] = match[2].strip()
    return found
