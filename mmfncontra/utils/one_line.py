"""A message of another package within one line of ours."""


def one_line(text: object, most: int = 400) -> str:
    """A text in one line; where it is long, its middle is left out.

    What went wrong stands at the beginning of a message, what to do about it at the end.

    Args:
        text: The text, or an error.
        most: Characters that are kept, about.

    Returns:
        The line, without a word cut in two.

    Example:
        >>> one_line('it failed because of a long story: so do that', most=24)
        'it failed … so do that'
    """
    line = ' '.join(str(text).split())
    if len(line) <= most:
        return line
    head, tail = line[: most // 2], line[-(most // 2) :]
    return f'{head.rpartition(" ")[0] or head} … {tail.partition(" ")[2] or tail}'
