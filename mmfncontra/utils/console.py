"""What a command shows on the console: short messages and warnings."""

import logging
import os
import sys

# What mmengine 0.10 says of itself whenever a training starts or goes on.
_UNHELPFUL = (
    'Distributed training is not used, all SyncBatchNorm',
    '"FileClient" will be deprecated in future',
    '"HardDiskBackend" is the alias of "LocalBackend"',
    '`save_param_scheduler` is True but `self.param_schedulers` is None',
    '`resume_param_scheduler` is True but `self.param_schedulers` is None',
)


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
