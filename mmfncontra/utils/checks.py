"""Checks of arguments that components of every room share."""


def check_integers(minimum: int = 1, /, **arguments: object) -> None:
    """Check that arguments are whole numbers of a minimum; ``True`` and ``2.0`` are none.

    Args:
        minimum: Least value allowed.
        **arguments: Values by the names that the message gives them.

    Raises:
        ValueError: For the first argument that is not an ``int`` or below ``minimum``.

    Example:
        >>> check_integers(levels=5, size=64)
        >>> check_integers(levels=0)
        Traceback (most recent call last):
        ValueError: levels must be a positive integer, got 0
    """
    wanted = 'a positive integer' if minimum == 1 else f'an integer of {minimum} or more'
    for name, value in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise ValueError(f'{name} must be {wanted}, got {value!r}')
