"""Commands of a study without the folders of the machine that it was trained on."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

_PROGRAM = 'tools/train.py'
_HERE = f'{Path(__file__).resolve().parents[3].as_posix()}/'
# A path from the root or home on: a word, a value behind '=', or within quotes or brackets of one.
_ABSOLUTE = re.compile(r"""(?:(?<=['"=(\[,])|^)[/~][^'",)\]]*""")


def checkout_of(words: Sequence[str]) -> str:
    """Folder of the repository that a command trains with, with a slash at its end.

    Args:
        words: The command.

    Returns:
        Where its ``tools/train.py`` is; of another program, where this file is.
    """
    own = (word.removesuffix(_PROGRAM) for word in words if word.endswith(f'/{_PROGRAM}'))
    return next(own, _HERE)


def portable_text(text: str, checkout: str) -> str:
    """Words with other absolute paths than those in the repository cut down to their last name.

    Args:
        text: Words with spaces between them.
        checkout: Folder of the repository, from which paths within it go; see :func:`checkout_of`.

    Example:
        >>> portable_text("/me/repo/configs/a.py x=/data/hats y=['/z/b.pth']", '/me/repo/')
        "configs/a.py x=hats y=['b.pth']"
    """
    return ' '.join(_portable(word, checkout) for word in text.split(' '))


def portable_command(words: Sequence[str]) -> str:
    """A training's command as it is typed in the folder of the repository, on any machine.

    Args:
        words: Python, program and arguments.

    Returns:
        The command line: ``python``, ``--data`` by its last name, ``--work-dir`` from the folder of
        the study on, other paths as :func:`portable_text` has them.
    """
    checkout = checkout_of(words)
    shown = []
    for before, word in zip(['', *words], words, strict=False):
        if not before and Path(word).name.startswith('python'):
            shown.append('python')
        elif before == '--data':
            shown.append(Path(word).name)
        elif before == '--work-dir':
            shown.append(Path(*Path(word).parts[-3:]).as_posix())
        else:
            shown.append(_portable(word, checkout))
    return shlex.join(shown)


def _portable(word: str, checkout: str) -> str:
    def cut(found: re.Match) -> str:
        path = found[0]
        return path.removeprefix(checkout) if path.startswith(checkout) else Path(path).name

    return _ABSOLUTE.sub(cut, word)
