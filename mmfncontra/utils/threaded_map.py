"""Thread pool: a function of many items, some of them at a time."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def threaded_map(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int = 16
) -> Iterator[Result]:
    """``map(function, items)`` in as many threads as there are cores, four at most.

    Worth it for what lets go of Python's lock: Pillow decodes and resizes images outside of it. Few
    threads, as each holds an image. Not more than ``ahead`` results are there before they are
    taken, whatever the number of items.

    Args:
        function: Called with each item, in any order; an exception is raised in its place.
        items: The items.
        ahead: Items that are taken together.

    Yields:
        The results in the order of the items.

    Example:
        >>> list(threaded_map(abs, [-1, 2, -3]))
        [1, 2, 3]
    """
    items = iter(items)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        while some := list(islice(items, ahead)):
            yield from pool.map(function, some)
