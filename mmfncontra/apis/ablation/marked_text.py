"""Text of a page that a program writes: what is between two marks."""

import re
from collections.abc import Callable
from pathlib import Path

END = '<!-- end -->'


def read_marked(path: str | Path, name: str) -> str:
    """Read a page that has marks to be filled.

    Args:
        path: The page.
        name: Of the marks.

    Raises:
        FileNotFoundError: If there is no such page.
        ValueError: If it has no mark of the name.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no page at {path}')
    text = path.read_text(encoding='utf-8')
    if not re.search(rf'(?m)^<!-- {re.escape(name)}: .* -->$', text):
        raise ValueError(f"{path} has no line '<!-- {name}: … -->' above a line '{END}'")
    return text


def fill_marks(text: str, name: str, write: Callable[[str], str]) -> str:
    r"""Replace what stands between marks, ``<!-- NAME: SUBJECT -->`` and ``<!-- end -->``.

    Args:
        text: The page; each mark is a line of its own.
        name: Of the marks.
        write: Gives the new text for a subject.

    Returns:
        The page; where the new text is the old one, the same.

    Raises:
        ValueError: If a mark has no end before the next one.

    Example:
        >>> fill_marks('a\n<!-- sum: 1 2 -->\nold\n<!-- end -->\nb', 'sum', lambda x: f'of {x}')
        'a\n<!-- sum: 1 2 -->\nof 1 2\n<!-- end -->\nb'
    """
    before, *parts = re.split(rf'(?m)^(<!-- {re.escape(name)}: .* -->)$', text)
    pages = [before]
    for mark, rest in zip(parts[::2], parts[1::2], strict=True):
        _, end, after = rest.partition(f'\n{END}')
        if not end:
            raise ValueError(f"'{mark}' needs a line '{END}' below it, before the next one")
        subject = mark.removeprefix(f'<!-- {name}: ').removesuffix(' -->')
        pages.append(f'{mark}\n{write(subject).strip()}\n{END}{after}')
    return ''.join(pages)
