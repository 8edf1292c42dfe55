"""List the configs that come with the package, or copy one to change it.

mmfncontra configs fncontra
mmfncontra configs --copy fncontra/fastgan-offline_64.py --out mine.py
"""

import argparse
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from mmfncontra.config.copy import copy_config
from mmfncontra.config.load import check_config_file
from mmfncontra.utils.checks import check_writable
from mmfncontra.utils.console import note
from mmfncontra.utils.shipped import shipped_configs


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='List the configs that come with the package, by the names that other commands '
        "take. A config of one's own begins with _base_ = 'mmfncontra::NAME', or as a copy."
    )
    parser.add_argument(
        'words',
        nargs='*',
        metavar='WORD',
        help="only names that have each of these, such as 'offline' or 'fncontra/*_64.py'",
    )
    parser.add_argument(
        '--copy',
        metavar='NAME',
        help='write a copy, whose bases are found from any folder',
    )
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='of --copy; default: its own name in this folder'
    )
    args = parser.parse_args(argv)
    if args.copy is None and args.out is not None:
        parser.error('--out needs --copy')
    if args.copy is not None and args.words:
        parser.error(f'--copy takes one name, without {" ".join(args.words)}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """List or copy as the command line says."""
    args = parse_args(argv)
    if args.copy is None:
        for name in list_configs(args.words):
            print(name)
        return
    source = check_config_file(args.copy)
    out = check_writable(args.out or Path(source.name), '--out')
    if out.exists():
        raise ValueError(f'{out} is there already: name another file with --out')
    copy_config(source, out)
    note(f'{out}: change it, and train it by its path')


def list_configs(words: Sequence[str] = ()) -> list[str]:
    """Names of the configs that can be trained.

    Args:
        words: Parts of names, or patterns of whole names, that all have to fit.

    Returns:
        Paths below ``configs``, sorted.

    Raises:
        ValueError: If there is none.
    """
    root = shipped_configs()
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob('*.py'))
    found = [
        name
        for name in names
        if not name.startswith('_base_/') and all(w in name or fnmatch(name, w) for w in words)
    ]
    if not found:
        raise ValueError(f'no config of the package has {" and ".join(words)} in its name')
    return found
