"""Bounded log: a file that does not fill the disk."""

import logging
from logging.handlers import RotatingFileHandler

from mmfncontra.utils.checks import check_integers

_MAX_BYTES = 20 << 20
_HEAD_BYTES = 256 << 10


class BoundedLogFile(RotatingFileHandler):
    """A ``RotatingFileHandler`` of one backup whose file always begins with the same lines.

    A full ``run.log`` becomes ``run.log.1``, in place of the one before, and the new ``run.log``
    takes over the first lines of all, those of the environment and the config. Both together stay
    below twice ``max_bytes``; what was logged between the head and the backup is gone.

    Args:
        filename: Path of the file, appended to.
        max_bytes: Size at which it is full.
        head_bytes: Most of its beginning that is taken over, in whole lines.

    Raises:
        ValueError: If a size is not a positive integer, or ``head_bytes`` above half of
            ``max_bytes``.
    """

    def __init__(
        self, filename: str, max_bytes: int = _MAX_BYTES, head_bytes: int = _HEAD_BYTES
    ) -> None:
        check_integers(max_bytes=max_bytes, head_bytes=head_bytes)
        if 2 * head_bytes > max_bytes:
            raise ValueError(
                f'head_bytes must be at most half of max_bytes ({max_bytes}), got {head_bytes}'
            )
        super().__init__(
            filename,
            maxBytes=max_bytes,
            backupCount=1,
            encoding='utf-8',
            errors='backslashreplace',  # names of files may hold bytes that are no text
        )
        self.head_bytes = head_bytes

    def doRollover(self) -> None:
        """Start a new file with the head of the full one."""
        with open(self.baseFilename, 'rb') as full:
            head = full.read(self.head_bytes)
        super().doRollover()
        whole_lines = head[: head.rfind(b'\n') + 1].decode(self.encoding)
        self.stream.write(f'{whole_lines}... (older lines: {self.baseFilename}.1)\n')
        self.stream.flush()


def bound_log_files(
    logger: logging.Logger, max_bytes: int = _MAX_BYTES, head_bytes: int = _HEAD_BYTES
) -> logging.Logger:
    """Let the log files of a logger grow to a size and no further.

    Args:
        logger: Logger whose plain file handlers are replaced, in place; format, level and filters
            stay. Nothing may have been written yet that is to come after something new.
        max_bytes: See :class:`BoundedLogFile`.
        head_bytes: The same.

    Returns:
        The logger.
    """
    for index, handler in enumerate(logger.handlers):
        if type(handler) is not logging.FileHandler:
            continue
        handler.close()
        bounded = BoundedLogFile(handler.baseFilename, max_bytes, head_bytes)
        bounded.setLevel(handler.level)
        bounded.setFormatter(handler.formatter)
        for each in handler.filters:
            bounded.addFilter(each)
        logger.handlers[index] = bounded
    return logger
