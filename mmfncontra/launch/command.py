"""Error reporting of a command-line tool: what the user can mend is one line and an exit code."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from mmfncontra.utils.console import escape_unprintable, flush_streams, say

from .contract import LAUNCHER_VARIABLE, USER_ERROR

USER_ERRORS = (ValueError, OSError, ImportError)
# The package, and the projects beside it.
_OURS = 'mmfncontra', 'projects'


def _chain(error: BaseException) -> Iterator[BaseException]:
    # Only as far as the errors look alike: what follows a fault of the program stays hidden.
    while isinstance(error, USER_ERRORS):
        yield error
        error = error.__cause__ or error.__context__


def user_error(error: BaseException) -> str | None:
    """What to tell a user about an error, if it comes from a check of ours.

    Args:
        error: What was raised.

    Returns:
        Its message in one line; None for any other error, which deserves its traceback.
    """
    for cause in _chain(error):
        frame = cause.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        module = '' if frame is None else frame.tb_frame.f_globals.get('__name__', '')
        if module.partition('.')[0] in _OURS:
            return ' '.join(line.strip() for line in str(cause).splitlines())
    return None


def _tell_mistake(message: str) -> None:
    """Print an error; a rank leaves that to the launcher, which says once what several found."""
    file = os.environ.get('TORCHELASTIC_ERROR_FILE')
    if file and LAUNCHER_VARIABLE in os.environ:
        Path(file).write_text(json.dumps(dict(message=message)), encoding='utf-8')
    else:
        say(f'error: {message}', sys.stderr)


def run_command(main: Callable[[], object]) -> NoReturn:
    """Run the body of a command-line tool and leave with its exit code.

    An error of the user (a wrong argument, a missing file, a package to install) is its message
    on stderr and exit code 2; every other exception keeps its traceback. Any text can be printed,
    whatever the encoding of the streams.

    Args:
        main: The tool without its argument list.

    Raises:
        SystemExit: Always, unless ``main`` fails through a fault of the program.
    """
    escape_unprintable()
    try:
        main()
    except Exception as error:
        message = user_error(error)
        if message is None:
            raise
        _tell_mistake(message)
        sys.exit(USER_ERROR)
    finally:
        flush_streams()
    sys.exit(0)
