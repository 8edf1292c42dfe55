"""What a command shows: short messages, one line for an error the user can mend."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from mmfncontra.launch.parent_death import LAUNCHER_VARIABLE

# What mmengine 0.10 says of itself whenever a training starts or goes on.
_UNHELPFUL = (
    'Distributed training is not used, all SyncBatchNorm',
    '"FileClient" will be deprecated in future',
    '"HardDiskBackend" is the alias of "LocalBackend"',
    '`save_param_scheduler` is True but `self.param_schedulers` is None',
    '`resume_param_scheduler` is True but `self.param_schedulers` is None',
)
USER_ERRORS = (ValueError, OSError, ImportError)


class ShortMessages(logging.Filter):
    """Drops what a newcomer cannot use.

    These are messages of several lines (mmengine's dumps of environment, config and hooks) and what
    mmengine says whatever is trained. Other warnings and errors pass at any length.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown."""
        message = record.getMessage().strip()
        if message.startswith(_UNHELPFUL):
            return False
        return record.levelno >= logging.WARNING or '\n' not in message


def quiet_console(logger: logging.Logger) -> logging.Logger:
    """Keep long messages out of a logger's console; its files still get everything.

    Args:
        logger: Logger whose stream handlers are filtered, in place.

    Returns:
        The logger.
    """
    for handler in logger.handlers:
        is_console = isinstance(handler, logging.StreamHandler) and not isinstance(
            handler, logging.FileHandler
        )
        if is_console and not any(isinstance(f, ShortMessages) for f in handler.filters):
            handler.addFilter(ShortMessages())
    return logger


def note(message: str) -> None:
    """Print a line, once where several processes run the same command."""
    if os.environ.get('RANK', '0') == '0':
        print(message, flush=True)


def warn(message: str) -> None:
    """Print a warning on stderr, once where several processes run the same command."""
    if os.environ.get('RANK', '0') == '0':
        print(f'warning: {message}', file=sys.stderr, flush=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    # Only as far as the errors look alike: what follows a fault of the program stays hidden.
    while isinstance(error, USER_ERRORS):
        yield error
        error = error.__cause__ or error.__context__


# The package, and the projects beside it.
_OURS = 'mmfncontra', 'projects'


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
        Path(file).write_text(json.dumps(dict(message=message)))
    else:
        print(f'error: {message}', file=sys.stderr)


def run_command(main: Callable[[], object]) -> NoReturn:
    """Run the body of a command-line tool and leave with its exit code.

    An error of the user (a wrong argument, a missing file, a package to install) is its message
    on stderr and exit code 2; every other exception keeps its traceback.

    Args:
        main: The tool without its argument list.

    Raises:
        SystemExit: Always, unless ``main`` fails through a fault of the program.
    """
    try:
        main()
    except Exception as error:
        message = user_error(error)
        if message is None:
            raise
        _tell_mistake(message)
        sys.exit(2)
    sys.exit(0)
