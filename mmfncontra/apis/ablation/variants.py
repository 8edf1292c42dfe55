"""What an ablation compares: named configs, with or without overrides."""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from mmfncontra.config.near_names import did_you_mean
from mmfncontra.utils.files import expand_home

_NAME = re.compile(r'\w([\w .+-]*[\w+-])?')


@dataclass(frozen=True)
class Variant:
    """A config and what is changed in it.

    Args:
        name: Name of its row in the table and of its folder.
        config: Path of the config.
        options: ``key=value`` words, as for ``--cfg-options``.

    Raises:
        ValueError: If the name cannot be that of a folder, or an option is no ``key=value``.
    """

    name: str
    config: str
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ValueError(
                'name of a variant must be made of letters, digits, spaces and _ . + -, '
                f'got {self.name!r}'
            )
        for option in self.options:
            if not isinstance(option, str) or not option.partition('=')[1]:
                raise ValueError(f'options of variant {self.name} are key=value, got {option!r}')

    def describe(self) -> str:
        """Config and changes in one line."""
        return ' '.join([Path(self.config).as_posix(), *self.options])


def name_configs(configs: Sequence[str]) -> list[Variant]:
    """Variants that are a config each.

    Args:
        configs: Paths, or ``name=path``. Without a name a config is called after its file, or,
            where files have the same name, after its folder.

    Returns:
        A variant for each.

    Raises:
        ValueError: If neither tells the configs apart.

    Example:
        >>> paths = ['configs/fastgan/fastgan_64.py', 'configs/fncontra/fastgan_64.py']
        >>> [variant.name for variant in name_configs(paths)]
        ['fastgan', 'fncontra']
    """
    given = [config.rpartition('=') for config in configs]
    paths = [Path(path) for name, _, path in given if not name]
    stems = [path.stem for path in paths]
    names = stems if _distinct(stems) else [path.absolute().parent.name for path in paths]
    names = names if _distinct(names) else [str(path.with_suffix('')) for path in paths]
    unnamed = iter(names)
    return [Variant(name or next(unnamed), path) for name, _, path in given]


def _distinct(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names)


def parse_variant(text: str, config: str | None = None) -> Variant:
    """Read a variant as it is written on the command line.

    Args:
        text: ``name: key=value key=value``, before the first of which a config may stand.
        config: Config of a variant that names none.

    Returns:
        The variant.

    Raises:
        ValueError: If it is written in another way, or has no config.

    Example:
        >>> parse_variant('no GWCL: model.contrast.gwcl=None', 'configs/a.py')
        Variant(name='no GWCL', config='configs/a.py', options=('model.contrast.gwcl=None',))
    """
    name, colon, rest = text.partition(':')
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise ValueError(f'variant {text!r}: {error}') from error
    if not colon:
        raise ValueError(f"a variant is written 'name: key=value ...', got {text!r}")
    if words and '=' not in words[0]:
        config, *words = words
    return _variant(name.strip(), config, words)


def read_variants(path: str | Path, config: str | None = None) -> list[Variant]:
    """Read variants from a YAML or JSON file.

    Args:
        path: File with a list of ``name``, ``config`` and ``options`` each, the latter a list of
            ``key=value``, or of lists of these, such as one of YAML's that several variants share.
        config: Config of a variant that names none.

    Returns:
        The variants.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds something else.
    """
    path = expand_home(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no file of variants at {path}')
    try:
        entries = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is neither YAML nor JSON: {error}') from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f'{path} must hold a list of variants with name, config and options')
    variants = []
    for entry in entries:
        unknown = sorted(map(str, entry.keys() - {'name', 'config', 'options'}))
        options = entry.get('options') or []
        if unknown or 'name' not in entry or not isinstance(options, list):
            raise ValueError(
                f'{path}: a variant has a name, a config and a list of options, got {entry}'
            )
        variants.append(_variant(entry['name'], entry.get('config') or config, options))
    return variants


def _variant(name: Any, config: str | None, options: Sequence[Any]) -> Variant:
    if config is None:
        raise ValueError(f'variant {name!r} has no config')
    nested = (each if isinstance(each, list) else [each] for each in options)
    return Variant(name, str(config), tuple(chain.from_iterable(nested)))


def choose_variants(variants: Sequence[Variant], names: Sequence[str] | None) -> list[Variant]:
    """Some of several variants.

    Args:
        variants: What there is.
        names: Those to take; None takes all.

    Returns:
        The variants, in their own order.

    Raises:
        ValueError: If none has such a name.
    """
    if names is None:
        return list(variants)
    check_chosen(names, [variant.name for variant in variants])
    return [variant for variant in variants if variant.name in names]


def check_chosen(names: Sequence[str], known: Collection[str]) -> None:
    """Refuse names that no variant has.

    Args:
        names: Of variants.
        known: Those that there are.

    Raises:
        ValueError: If a name is not among them; the message has what it may stand for.
    """
    for name in names:
        if name not in known:
            there = f'there are {", ".join(known) or "none"}'
            raise ValueError(f'no variant is called {name!r}{did_you_mean(name, known, there)}')


def split_descriptions(descriptions: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """What descriptions of several variants have in common, said once.

    Args:
        descriptions: Config and options of each variant.

    Returns:
        The options of all, and what else each variant is.

    Example:
        >>> split_descriptions(dict(a='a.py x=1', b='b.py y=[2, 3] x=1'))
        ('x=1', {'a': 'a.py', 'b': 'b.py y=[2, 3]'})
    """
    words = {n: re.split(r' (?=[\w.]+=)', text) for n, text in descriptions.items()}
    first, *others = words.values()
    shared = [word for word in first[1:] if others and all(word in each for each in others)]
    own = {n: ' '.join(word for word in each if word not in shared) for n, each in words.items()}
    return ' '.join(shared), own


def check_variants(variants: Sequence[Variant], baseline: str | None = None) -> None:
    """Check that variants can be told apart, and compared.

    Args:
        variants: What is compared.
        baseline: Name of one of them; None takes the first.

    Raises:
        ValueError: If there are none, two have the same name, or none has the baseline's.
    """
    if not variants:
        raise ValueError('variants must be one or more, got none')
    # Folders of some file systems do not tell small letters from capitals.
    name, times = Counter(variant.name.lower() for variant in variants).most_common(1)[0]
    if times > 1:
        raise ValueError(f'variants must have different names, got {name!r} {times} times')
    names = [variant.name for variant in variants]
    if baseline is not None and baseline not in names:
        raise ValueError(f'baseline must be one of {", ".join(names)}, got {baseline!r}')
