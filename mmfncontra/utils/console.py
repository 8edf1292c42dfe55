"""What a command shows on the console: short messages and warnings."""

import logging
import os
import re
import shlex
import sys
from contextlib import suppress
from typing import TextIO

# What mmengine 0.10 says of itself whenever a training starts or goes on.
_UNHELPFUL = (
    'Distributed training is not used, all SyncBatchNorm',
    '"FileClient" will be deprecated in future',
    '"HardDiskBackend" is the alias of "LocalBackend"',
    '`save_param_scheduler` is True but `self.param_schedulers` is None',
    '`resume_param_scheduler` is True but `self.param_schedulers` is None',
)
# What moves the cursor or the writing; not a tab, nor the end of a line.
_CONTROL = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]')


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
        say(message, sys.stdout)


def warn(message: str) -> None:
    """Print a warning on stderr, once where several processes run the same command."""
    if os.environ.get('RANK', '0') == '0':
        say(f'warning: {" ".join(message.splitlines())}', sys.stderr)


def say(message: str, stream: TextIO | None) -> None:
    """Print a line; where nobody can read it any more, nothing happens.

    Args:
        message: The line; control characters in it, such as a file name may hold, are escaped.
        stream: Standard output or standard error.
    """
    if stream is None:  # pythonw has none
        return
    try:
        print(_CONTROL.sub(lambda found: ascii(found[0])[1:-1], message), file=stream, flush=True)
    except OSError:
        _abandon(stream)


def shown_name(name: str | os.PathLike) -> str:
    """A name of a file as one line of text that can be printed, whatever bytes it has.

    Args:
        name: The name, or a path.

    Returns:
        The name itself if all of it is printable, else a literal of Python's with escapes.
    """
    name = os.fspath(name)
    return name if name.isprintable() else ascii(name)


def shell_line(*words: str | os.PathLike) -> str:
    r"""A command that can be copied from the screen into a shell, whatever its words are.

    Args:
        *words: Program and arguments.

    Returns:
        One line, quoted where that is needed; a word that cannot be shown, or that standard output
        has no characters for, as bash and zsh write its bytes: ``$'caf\xe9'``.
    """
    return ' '.join(map(_quoted, words))


def _quoted(word: str | os.PathLike) -> str:
    word = os.fspath(word)
    try:
        word.encode(getattr(sys.stdout, 'encoding', None) or 'utf-8')
        if word.isprintable():
            return shlex.quote(word)
    except UnicodeEncodeError:
        pass
    plain = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'" else f'\\x{byte:02x}'
        for byte in os.fsencode(word)
    )
    return f"$'{''.join(plain)}'"


def escape_unprintable() -> None:
    r"""Let standard output and standard error take any text, whatever their encoding.

    What the encoding lacks, and bytes of a file name that are no text, are written as escapes such
    as ``\u2026`` instead of raising ``UnicodeEncodeError``.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')


def flush_streams() -> None:
    """Write what is still to be printed; what nobody can read any more is dropped.

    Otherwise python would fail at its exit, with an exit code of its own: if the reader of a pipe
    has left (``| head``), or a terminal has been closed.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _abandon(stream)


def _abandon(stream: TextIO) -> None:
    with suppress(OSError):  # no descriptor of the system's
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
