"""A config file: found, with a typo suggestion where it is not, and read."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from mmfncontra.compat.formatted_configs import format_statements_once
from mmfncontra.compat.own_configs import name_own_configs
from mmfncontra.utils.files import expand_home
from mmfncontra.utils.one_line import one_line
from mmfncontra.utils.shipped import find_shipped, shipped_configs

from .near_names import did_you_mean, near_names
from .source import check_source

if TYPE_CHECKING:
    from mmengine.config import Config


def _hint(path: Path) -> str:
    recipe, _, size = path.stem.rpartition('_')
    if size in ('64', '128', '256', '512', '1024') and path.with_name(f'{recipe}.py').is_file():
        return f'; did you mean {path.with_name(recipe)}.py with --size {size}?'
    known = {
        found.relative_to(configs.parent).as_posix()
        for configs in (Path.cwd() / 'configs', shipped_configs())
        for found in configs.rglob('*.py')
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
        path: A ``.py`` config, or the name of one that comes with the package, such as
            ``fncontra/fastgan_64.py``, where there is no such file.

    Returns:
        Where it is.

    Raises:
        FileNotFoundError: If it is missing; the message has similar names.
        ValueError: If it is not a Python file.
    """
    path = expand_home(path)
    if path.is_dir():
        raise ValueError(f'config {path} is a folder: name a .py file in it')
    if not path.is_file():
        shipped = find_shipped(path)
        if shipped is None:
            there = "; 'mmfncontra configs' lists those that come with the package"
            raise FileNotFoundError(f'config {path} does not exist{_hint(path) or there}')
        path = shipped
    if path.suffix != '.py':
        raise ValueError(f'config {path} must be a .py file')
    return path


def load_config(path: str | Path) -> Config:
    """Read a config without importing what it names.

    Args:
        path: A ``.py`` config; see :func:`check_config_file`.

    Returns:
        The config, bases merged.

    Raises:
        FileNotFoundError: If it, or a base of it, is missing; the message has similar names.
        ValueError: If it is not a Python file, or running it fails; the message has file and line.
    """
    path = check_config_file(path)
    # Imported now: mmengine imports torch, for seconds in which a mistyped path would wait.
    from mmengine.config import Config

    name_own_configs()
    format_statements_once()
    _check_files(path)
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'config {path} has a base that is missing: {error}') from error
    # A config is Python: running it may raise anything.
    except Exception as error:
        reason = f'{_reason(error)}{_lazy_hint(path)}'
        raise ValueError(f'config {_culprit(path, error)}: {reason}') from error


def _check_files(path: Path, above: tuple[Path, ...] = ()) -> None:
    """Check the text of a config and of its bases.

    One that is a base of itself is refused, which mmengine would read a thousand times.
    """
    from mmengine.config import Config

    real = path.resolve()
    if real in above:
        raise ValueError(
            f'config {above[0]} has {path.name} among its own bases: _base_ must name other files'
        )
    check_source(path)
    try:
        bases = [
            Path(Config._get_cfg_path(base, str(path))[0])
            for base in Config._get_base_files(str(path))
        ]
    except Exception:  # what is wrong with the file shows when it is read
        return
    for base in bases:
        if base.is_file():
            _check_files(base, (*above, real))


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
    if isinstance(error, SyntaxError):
        line = one_line(error.text or '', 60)
        return f'{error.msg}{f": {line}" if line else ""}'
    if isinstance(error, KeyError):
        said = one_line(error.args[0]) if error.args else ''
        return said if ' ' in said else f'there is no {said}'
    return ': '.join(filter(None, (type(error).__name__, one_line(error))))


def _lazy_hint(path: Path) -> str:
    """What to do about a file that mmengine takes for its other kind of config."""
    from mmengine.config import Config

    try:
        is_lazy = Config._is_lazy_import(str(path))
    except Exception:  # the reason is told already
        return ''
    hint = (
        '; with an import and no _base_ mmengine reads a config as of its lazy kind, which ours '
        "are not: name a base, _base_ = '…', in its first line"
    )
    return hint if is_lazy else ''
