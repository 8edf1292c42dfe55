"""Metric cards: values together with all that they depend on."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmfncontra.utils.files import has_content, keep_earlier, write_json

VERSION = 1
# What two cards must share for their values to stand in one table. The rest says which model it is.
COMPARED = (
    *('num_fake', 'num_real', 'real_hash', 'split', 'size', 'resize_filter', 'value_range'),
    *('extractor', 'weights_hash', 'truncation', 'precision'),
)
# Behind a value that is measured by a network of the training.
SEEN_MARK = '†'
LIBRARIES = ('torch', 'torchvision', 'numpy', 'scipy', 'torch-fidelity', 'mmengine', 'mmagic')


def _as_json(content: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(content, default=str))


class _NewerError(ValueError):
    pass


@dataclass
class MetricCard:
    """Values of one evaluation.

    Attributes:
        metrics: Values by name.
        depends: By name of a group of metrics, such as ``images`` or ``inception``, what its values
            depend on; under ``run``, the model: EMA, seed, hashes of config and checkpoint,
            versions.
        iteration: Iteration of the checkpoint.
        curves: Arrays to draw, such as ``spectrum_real`` and ``spectrum_fake`` in dB over
            ``frequency``.
        warnings: Why not to trust a value, in sentences.
        version: Of this format.
    """

    metrics: dict[str, float]
    depends: dict[str, dict[str, Any]]
    iteration: int | None = None
    curves: dict[str, list[float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    version: int = VERSION

    @property
    def seen_in_training(self) -> dict[str, str]:
        """Values measured by a network that the model was trained with, and which network."""
        found = {}
        for depends in self.depends.values():
            names = depends.get('seen_in_training')
            for name in names if isinstance(names, list) else ():
                found[str(name)] = str(depends.get('extractor'))
        return found

    def write(self, path: str | Path) -> Path:
        """Write the card as JSON; a reader never sees half of it.

        Args:
            path: File; its folder is made.

        Returns:
            The path.
        """
        return write_json(path, self.to_dict())

    def write_apart(self, path: str | Path) -> tuple[Path, Path | None]:
        """Write the card, and keep one of another model, seed or number of images that is there.

        Args:
            path: File; its folder is made. A card in it of the same evaluation is replaced.

        Returns:
            The path, and where the other card is kept, if there was one.

        Raises:
            ValueError: If the file is no card.
        """
        kept = None
        if has_content(path) and MetricCard.read(path).depends != _as_json(self.depends):
            kept = keep_earlier(path)
        return self.write(path), kept

    def to_dict(self) -> dict[str, Any]:
        """Its attributes as JSON knows them, which has no NaN: a value that is not finite is None.

        Returns:
            What :meth:`from_dict` takes.
        """
        content = asdict(self)
        content['metrics'] = {k: v if math.isfinite(v) else None for k, v in self.metrics.items()}
        return content

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> 'MetricCard':
        """A card from what JSON had of it.

        Args:
            content: From :meth:`to_dict`.

        Raises:
            ValueError: If it is no card; the message says why.
        """
        try:
            card = cls(**content)
            card.metrics = {k: math.nan if v is None else v for k, v in card.metrics.items()}
            if not all(isinstance(group, dict) for group in card.depends.values()):
                raise TypeError('depends must hold groups')
        except (TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error
        if not _is_sound(card):
            raise ValueError('it has values of wrong types')
        return card

    @classmethod
    def read(cls, path: str | Path) -> 'MetricCard':
        """Read a card.

        Args:
            path: File that :meth:`write` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no card, or of a newer format.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'there is no metric card at {path}')
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            if isinstance(content, dict) and content.get('version', VERSION) != VERSION:
                found = str(content['version'])[:20]
                raise _NewerError(f'{path} is a card of version {found}, this is {VERSION}')
            return cls.from_dict(content)
        except _NewerError:
            raise
        # Python reads no numbers of thousands of digits, and no lists in thousands of lists.
        except (ValueError, RecursionError) as error:
            raise ValueError(f'{path} is no metric card: {error}') from error


def _is_sound(card: MetricCard) -> bool:
    return (
        isinstance(card.iteration, int | None)
        and all(isinstance(part, dict) for part in (card.metrics, card.depends, card.curves))
        and all(isinstance(value, int | float) for value in card.metrics.values())
        and all(isinstance(curve, list) for curve in card.curves.values())
        and all(isinstance(v, int | float) for curve in card.curves.values() for v in curve)
        and isinstance(card.warnings, list)
    )


def find_differences(cards: Mapping[str, MetricCard]) -> list[str]:
    """What keeps cards from standing in one table.

    Only groups of metrics that several cards have are compared.

    Args:
        cards: Cards by a name for messages.

    Returns:
        Sentences, one for each thing that differs; empty if the cards can be compared.

    Example:
        >>> def card(n): return MetricCard(dict(fid=1.0), dict(inception=dict(num_fake=n)))
        >>> find_differences(dict(a=card(5000), b=card(50000)))
        ['inception.num_fake differs: 5000 (a), 50000 (b)']
    """
    differences = []
    groups = dict.fromkeys(group for card in cards.values() for group in card.depends)
    for group in groups:
        if group == 'run':
            continue
        having = {
            name: card.depends[group] for name, card in cards.items() if group in card.depends
        }
        for key in COMPARED:
            values: dict[str, list[str]] = {}
            for name, depends in having.items():
                values.setdefault(json.dumps(depends.get(key), default=str), []).append(name)
            if len(values) > 1:
                shown = ', '.join(
                    f'{value} ({" and ".join(names)})' for value, names in values.items()
                )
                differences.append(f'{group}.{key} differs: {shown}')
    return differences


def find_flattered(cards: Mapping[str, MetricCard]) -> list[str]:
    """Values by which cards cannot be ranked: their network took part in a training.

    Args:
        cards: Cards by a name for messages.

    Returns:
        Sentences, one for each network and card.

    Example:
        >>> seen = dict(extractor='efficientnet_lite0', seen_in_training=['fd_lite0'])
        >>> find_flattered(dict(a=MetricCard(dict(fd_lite0=1.0), {'FeatureMetrics lite0': seen})))
        ['a was trained with efficientnet_lite0, by which fd_lite0 is measured: rank nothing by it']
    """
    found = []
    for name, card in cards.items():
        by_network: dict[str, list[str]] = {}
        for value, network in card.seen_in_training.items():
            by_network.setdefault(network, []).append(value)
        for network, values in by_network.items():
            are, them = ('is', 'it') if len(values) == 1 else ('are', 'them')
            found.append(
                f'{name} was trained with {network}, by which {", ".join(values)} {are} measured: '
                f'rank nothing by {them}'
            )
    return found


def compare_cards(paths: Sequence[str | Path]) -> str:
    """A table of metric cards, in Markdown.

    Args:
        paths: Cards, two or more.

    Returns:
        One column for each card. Values that a training saw are marked, with a sentence below.

    Raises:
        FileNotFoundError: If a card is missing.
        ValueError: If a file is no card, or the cards cannot be compared; the message says what
            differs.
    """
    if len(paths) < 2:
        raise ValueError(f'name two cards or more, got {len(paths)}')
    cards = {str(path): MetricCard.read(path) for path in paths}
    differences = find_differences(cards)
    if differences:
        raise ValueError('these cards cannot be compared: ' + '; '.join(differences))
    names = list(dict.fromkeys(name for card in cards.values() for name in card.metrics))
    lines = [f'| | {" | ".join(cards)} |', f'|---|{"---|" * len(cards)}']
    for name in names:
        shown = [_cell(card, name) for card in cards.values()]
        lines.append(f'| {name} | {" | ".join(shown)} |')
    flattered = find_flattered(cards)
    lines += ['', *(f'{SEEN_MARK} {sentence}.' for sentence in flattered)] if flattered else []
    return '\n'.join(lines) + '\n'


def _cell(card: MetricCard, name: str) -> str:
    value = card.metrics.get(name)
    if value is None:
        return '–'
    return f'{value:.4g}' + (f' {SEEN_MARK}' if name in card.seen_in_training else '')


def library_versions() -> dict[str, str]:
    """Versions of what numbers may depend on, of those installed."""
    from mmfncontra.compat.versions import installed_version
    from mmfncontra.version import __version__

    found = {name: installed_version(name) for name in LIBRARIES}
    return {'mmfncontra': __version__, **{k: v for k, v in found.items() if v}}
