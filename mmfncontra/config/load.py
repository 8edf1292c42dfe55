"""A config file: found, with a typo suggestion where it is not, and read."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from mmfncontra.utils.files import expand_home

from .near_names import did_you_mean, near_names

if TYPE_CHECKING:
    from mmengine.config import Config

_CHECKOUT = Path(__file__).parents[2]


def _hint(path: Path) -> str:
    recipe, _, size = path.stem.rpartition('_')
    if size in ('64', '128', '256', '512', '1024') and path.with_name(f'{recipe}.py').is_file():
        return f'; did you mean {path.with_name(recipe)}.py with --size {size}?'
    known = {
        found.relative_to(root).as_posix()
        for root in (Path.cwd(), _CHECKOUT)
        for found in (root / 'configs').rglob('*.py')
        if '_base_' not in found.parts
    }
    stems: dict[str, list[str]] = {}
    for name in known:
        stems.setdefault(Path(name).stem, []).append(name)
    near = [name for stem in near_names(path.stem, stems, cutoff=0.7) for name in stems[stem]]
    # Of configs of one name those whose folders are alike come first.
    return did_you_mean(path.as_posix(), near, cutoff=0.0)


def check_config_file(path: str | Path) -> Path:
    """Check that there is a config of a name; nothing is imported for it.

    Args:
        path: A ``.py`` config.

    Returns:
        The path, ``~`` expanded.

    Raises:
        FileNotFoundError: If it is missing; the message has similar names.
        ValueError: If it is not a Python file.
    """
    path = expand_home(path)
    if path.is_dir():
        raise ValueError(f'config {path} is a folder: name a .py file in it')
    if not path.is_file():
        raise FileNotFoundError(f'config {path} does not exist{_hint(path)}')
    if path.suffix != '.py':
        raise ValueError(f'config {path} must be a .py file')
    return path


def load_config(path: str | Path) -> Config:
    """Read a config without importing what it names.

    Args:
        path: A ``.py`` config.

    Returns:
        The config, bases merged.

    Raises:
        FileNotFoundError: If it, or a base of it, is missing; the message has similar names.
        ValueError: If it is not a Python file, or running it fails; the message has file and line.
    """
    path = check_config_file(path)
    # Imported now: mmengine imports torch, for seconds in which a mistyped path would wait.
    from mmengine.config import Config

    _check_circle(path)
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'config {path} has a base that is missing: {error}') from error
    # A config is Python: running it may raise anything.
    except Exception as error:
        raise ValueError(f'config {_culprit(path, error)}: {_reason(error)}') from error


def _check_circle(path: Path, above: tuple[Path, ...] = ()) -> None:
    """Refuse a config that is a base of itself, which mmengine reads a thousand times."""
    from mmengine.config import Config

    path = path.resolve()
    if path in above:
        raise ValueError(
            f'config {above[0]} has {path.name} among its own bases: _base_ must name other files'
        )
    try:
        bases = [path.parent / base for base in Config._get_base_files(str(path))]
    except Exception:  # what is wrong with the file shows when it is read
        return
    for base in bases:
        if base.is_file():
            _check_circle(base, (*above, path))


def _culprit(path: Path, error: Exception) -> str:
    """The file that an error is in: the config or one of its bases; and the line, if known."""
    file, line = str(path), getattr(error, 'lineno', None)
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == '_file2dict':
            file = frame.f_locals.get('filename', file)
        elif frame.f_code.co_name == '<module>' and not frame.f_globals.get('__file__'):
            line = number
    is_base = os.path.abspath(file) != os.path.abspath(path)
    where = f'{path} has a base {file} that' if is_base else str(path)
    return f'{where} cannot be read{"" if line is None else f", line {line}"}'


def _reason(error: Exception) -> str:
    said = ' '.join(str(error).split())[:250]
    if isinstance(error, SyntaxError):
        line = (error.text or '').strip()[:60]
        return f'{error.msg}{f": {line}" if line else ""}'
    if isinstance(error, KeyError):
        said = ' '.join(str(error.args[0]).split())[:250] if error.args else ''
        return said if ' ' in said else f'there is no {said}'
    return f'{type(error).__name__}: {said}'
