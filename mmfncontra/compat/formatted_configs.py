"""Texts of configs formatted statement by statement, each statement once in a process.

mmengine 0.10 formats the whole text of a config with yapf each time it is asked for, some four
times from the command to the first step of a training, half a second to two each time.
"""

import ast
from functools import cache, lru_cache, wraps


@cache
def format_statements_once() -> None:
    """Let mmengine's ``Config.pretty_text`` remember what yapf made of each statement.

    The text stays the same. It does nothing when called again.
    """
    from mmengine.config import config

    whole = config.FormatCode

    @lru_cache(maxsize=4096)
    def format_one(statement: str, style: tuple) -> tuple[str, bool]:
        return whole(statement, style_config=dict(style))

    @wraps(whole)
    def format_each(text: str, *, style_config: dict) -> tuple[str, bool]:
        style = tuple(sorted(style_config.items()))
        parts = [format_one(statement, style) for statement in _statements(text)]
        return ''.join(part for part, _ in parts), any(changed for _, changed in parts)

    config.FormatCode = format_each


def _statements(text: str) -> list[str]:
    """The statements of a text, each with the lines that it has for itself."""
    lines = text.splitlines(keepends=True)
    # Of whatever is no code yapf says what is wrong, of a line with two statements it makes two.
    try:
        starts = [node.lineno - 1 for node in ast.parse(text).body]
    except SyntaxError:
        return [text]
    if len(set(starts)) < len(starts) or not starts:
        return [text]
    ends = [*starts[1:], len(lines)]
    parts = [''.join(lines[start:end]) for start, end in zip([0, *starts[1:]], ends, strict=True)]
    return [part if part.endswith('\n') else f'{part}\n' for part in parts]
