"""Argument validation that components of every room share."""

import math
import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from .files import expand_home


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


def check_booleans(**arguments: object) -> None:
    """Check that arguments are ``True`` or ``False``.

    Args:
        **arguments: Values by the names that the message gives them.

    Raises:
        ValueError: For the first one that is neither.

    Example:
        >>> check_booleans(separable='no')
        Traceback (most recent call last):
        ValueError: separable must be True or False, got 'no'
    """
    for name, value in arguments.items():
        if not isinstance(value, bool):
            raise ValueError(f'{name} must be True or False, got {value!r}')


def check_positive(**arguments: object) -> None:
    """Check that arguments are finite numbers above 0.

    Args:
        **arguments: Values by the names that the message gives them.

    Raises:
        ValueError: For the first one that is none.

    Example:
        >>> check_positive(temperature=0)
        Traceback (most recent call last):
        ValueError: temperature must be positive, got 0
    """
    for name, value in arguments.items():
        _check_number(name, value)
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f'{name} must be positive, got {value!r}')


def check_not_negative(**arguments: object) -> None:
    """Check that arguments are finite numbers of 0 or more.

    Args:
        **arguments: Values by the names that the message gives them.

    Raises:
        ValueError: For the first one that is none.

    Example:
        >>> check_not_negative(loss_weight=-1)
        Traceback (most recent call last):
        ValueError: loss_weight must be 0 or more, got -1
    """
    for name, value in arguments.items():
        _check_number(name, value)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f'{name} must be 0 or more, got {value!r}')


def _check_number(name: str, value: object, where: str = '') -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f'{name} must be a number{where}, got {value!r}')


def check_interval(interval: str, /, **arguments: object) -> None:
    """Check that arguments are numbers in an interval.

    Args:
        interval: Two ends, each taken in, ``[`` ``]``, or left out, ``(`` ``)``; ``'[0, 1)'``.
        **arguments: Values by the names that the message gives them.

    Raises:
        ValueError: For the first one that is no number, or lies outside.

    Example:
        >>> check_interval('[0, 1)', momentum=0.9, decay=0)
        >>> check_interval('[0, 1)', momentum=1.0)
        Traceback (most recent call last):
        ValueError: momentum must be in [0, 1), got 1.0
    """
    low, high = map(float, interval[1:-1].split(','))
    for name, value in arguments.items():
        _check_number(name, value, f' in {interval}')
        above = low <= value if interval[0] == '[' else low < value
        below = value <= high if interval[-1] == ']' else value < high
        if not (above and below):
            raise ValueError(f'{name} must be in {interval}, got {value!r}')


def check_range(
    minimum: float = -math.inf, maximum: float = math.inf, /, **ranges: Sequence[float]
) -> None:
    """Check ranges to draw from: two numbers, the first not above the second.

    Args:
        minimum: Least value allowed.
        maximum: Largest value allowed.
        **ranges: Pairs of numbers by the names that the message gives them.

    Raises:
        ValueError: For the first one that is no such pair.

    Example:
        >>> check_range(0, 1, share=(0.5, 1.0))
        >>> check_range(0, 1, share=(0.5, 2.0))
        Traceback (most recent call last):
        ValueError: share must be two numbers in rising order from 0 to 1, got (0.5, 2.0)
    """
    for name, pair in ranges.items():
        if not (
            isinstance(pair, Sequence)
            and len(pair) == 2
            and all(isinstance(n, int | float) and math.isfinite(n) for n in pair)
            and minimum <= pair[0] <= pair[1] <= maximum
        ):
            limits = f' from {minimum:g}' if math.isfinite(minimum) else ''
            limits += f' to {maximum:g}' if math.isfinite(maximum) else ''
            raise ValueError(f'{name} must be two numbers in rising order{limits}, got {pair}')


def check_images(images: Any, name: str = 'images', minimum: int = 1) -> None:
    """Check that something is an array of RGB images.

    Args:
        images: uint8, (N, H, W, 3), all of one size.
        name: What the message calls it.
        minimum: Least number of images.

    Raises:
        ValueError: If it is something else, or there are too few.
    """
    wanted = f'{name} must be a non-empty uint8 RGB array (N, H, W, 3), all images of one size'
    _check_rgb(images, 4, wanted)
    if len(images) < minimum:
        raise ValueError(f'{name} must hold {minimum} images or more, got {len(images)}')


def check_image(image: Any, name: str = 'image') -> None:
    """Check that something is an RGB image.

    Args:
        image: uint8, (H, W, 3).
        name: What the message calls it.

    Raises:
        ValueError: If it is something else.
    """
    _check_rgb(image, 3, f'{name} must be a uint8 RGB array (H, W, 3)')


def _check_rgb(array: Any, ndim: int, wanted: str) -> None:
    if not (hasattr(array, 'dtype') and hasattr(array, 'shape')):
        raise ValueError(f'{wanted}, got {type(array).__name__}')
    shape = tuple(array.shape)
    if str(array.dtype) != 'uint8' or len(shape) != ndim or shape[-1] != 3 or 0 in shape:
        raise ValueError(f'{wanted}, got {array.dtype} {shape}')


def check_writable(path: str | Path, option: str, *, is_folder: bool = False) -> Path:
    """Check, before work that takes long, that its result can be written; make its folder.

    Args:
        path: File or folder to be written.
        option: What the message calls it, such as ``'--out'``.
        is_folder: Whether ``path`` is to be a folder.

    Returns:
        The path, ``~`` expanded.

    Raises:
        ValueError: If it is a folder where a file is wanted or the other way round, or the folder
            cannot be made or written.
    """
    path = expand_home(path)
    if is_folder and path.exists() and not path.is_dir():
        raise ValueError(f'{option} must be a folder, but {path} is a file')
    if not is_folder and path.is_dir():
        raise ValueError(f'{option} must be a file, but {path} is a folder')
    folder = path if is_folder else path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f'{option} {path} cannot be written ({error.strerror}): name another place'
        ) from error
    if not os.access(folder, os.W_OK):
        raise ValueError(
            f'{option} {path} cannot be written (no permission in {folder}): name another place'
        )
    return path
