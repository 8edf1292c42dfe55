"""A copy of one of our configs that stands anywhere."""

import ast
from pathlib import Path

from mmfncontra.compat.own_configs import PREFIX
from mmfncontra.utils.files import whole_file
from mmfncontra.utils.shipped import shipped_configs


def copy_config(source: Path, out: Path) -> None:
    """Copy a config of the package; its bases are named by the package, not by their folders.

    Args:
        source: A config below :func:`~mmfncontra.utils.shipped.shipped_configs`.
        out: File to write.

    Raises:
        ValueError: If it is another config.
    """
    root = shipped_configs()
    if not source.is_relative_to(root):
        raise ValueError(f'{source} is no config of the package, whose bases would be found')
    text = source.read_text(encoding='utf-8')
    lines = text.splitlines(keepends=True)
    # From the last to the first, so that the places of the others stay as they are.
    for node in sorted(_bases(text), key=lambda node: (node.lineno, node.col_offset))[::-1]:
        base = (source.parent / node.value).resolve().relative_to(root).as_posix()
        line = lines[node.lineno - 1].encode()
        start, end = node.col_offset, node.end_col_offset
        lines[node.lineno - 1] = (line[:start] + repr(PREFIX + base).encode() + line[end:]).decode()
    with whole_file(out) as unfinished:
        unfinished.write_text(''.join(lines), encoding='utf-8')


def _bases(text: str) -> list[ast.Constant]:
    """Where the bases of a config are named."""
    return [
        node
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == '_base_'
        for node in ast.walk(statement.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
