"""The text of a config file, as mmengine can read it: in UTF-8, its bases named first."""

import ast
import codecs
from pathlib import Path

_BASE = '_base_'
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE = 'save it as plain UTF-8, which editors have in "save as"'


def check_source(path: Path) -> None:
    """Check what mmengine answers with riddles, before it reads a config.

    Args:
        path: A ``.py`` file.

    Raises:
        ValueError: If it is not plain UTF-8, or if it has bases that mmengine would not find:
            below an import, computed, or named where they are not looked for. The message says
            what to do. A mistake of syntax is left to the reader of the file.
    """
    text = _decode(path)
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return
    _check_base(path, body)


def _decode(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(codecs.BOM_UTF8):
        raise ValueError(
            f'config {path} begins with a byte order mark (UTF-8 with BOM): {_SAVE}, without BOM'
        )
    if content.startswith(_UTF16) or b'\0' in content:
        raise ValueError(f'config {path} is in UTF-16, or no text at all: {_SAVE}')
    try:
        return content.decode('utf-8')
    except UnicodeDecodeError as error:
        line = content.count(b'\n', 0, error.start) + 1
        raise ValueError(
            f'config {path} is not in UTF-8 (utf-8 has no byte 0x{content[error.start]:02x} as in '
            f'line {line}): {_SAVE}'
        ) from error


def _check_base(path: Path, body: list[ast.stmt]) -> None:
    named = next((statement for statement in body if _is_plain(statement)), None)
    if named is None:
        hidden = next((n for s in body for n in ast.walk(s) if _names_base(n)), None)
        if hidden is not None:
            raise ValueError(
                f'config {path}, line {hidden.lineno}: {_BASE} is read from a plain line alone, '
                f"neither within another nor with a type: write {_BASE} = '…' as the first line"
            )
        return
    first = next(s for s in body if isinstance(s, ast.Import | ast.ImportFrom) or s is named)
    if first is not named:
        raise ValueError(
            f'config {path}, line {named.lineno}: {_BASE} must stand above the import of line '
            f'{first.lineno}: put {_BASE} first'
        )
    try:
        ast.literal_eval(named.value)
    except ValueError as error:
        raise ValueError(
            f'config {path}, line {named.lineno}: {_BASE} is read before the rest of the file: '
            "write the paths out, such as ['./a.py', '../b.py'], without variables or calls"
        ) from error


def _is_plain(statement: ast.stmt) -> bool:
    """Whether a statement names bases as mmengine looks for them."""
    return isinstance(statement, ast.Assign) and _is_base(statement.targets[0])


def _names_base(node: ast.AST) -> bool:
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return _is_base(node.target)
    return isinstance(node, ast.Assign) and any(map(_is_base, node.targets))


def _is_base(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == _BASE
