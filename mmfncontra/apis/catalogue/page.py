"""Command of a tool that writes a page of the documentation."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from mmfncontra.compat.versions import check_versions
from mmfncontra.utils.checks import check_writable
from mmfncontra.utils.shipped import shipped_configs


def write_page(description: str, describe: str, argv: Sequence[str] | None = None) -> None:
    """Parse a command line and write the page where it says.

    Args:
        description: What ``--help`` says.
        describe: Function that makes the page of the folder ``configs``, with its module. It is
            imported after parsing: ``--help`` answers at once.
        argv: Arguments; ``None``: those of the process.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--out', type=Path, metavar='FILE', help='default: the screen')
    out = parser.parse_args(argv).out
    check_versions()
    if out is not None:
        out = check_writable(out, '--out')
    module, _, name = describe.rpartition('.')
    text = getattr(import_module(module), name)(shipped_configs())
    if out is None:
        print(text, end='')
    else:
        out.write_text(text, encoding='utf-8')
