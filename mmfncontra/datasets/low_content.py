"""Images that hardly teach anything: nearly black or constant, of a small range, or repeated."""

from collections import Counter

import numpy as np

from mmfncontra.utils.checks import check_image

NEARLY_BLACK, NEARLY_CONSTANT = 'nearly black', 'nearly constant'
SMALL_RANGE = 'of hardly any range'
REMEDIES = {
    NEARLY_BLACK: 'leave them out; if their files hold 12 bits in 16, or labels from 0 on, spread '
    'the values over the whole range',
    NEARLY_CONSTANT: 'leave them out: there is nothing on them to learn',
    SMALL_RANGE: 'spread their values over the whole range, or leave them out',
}
# Levels of 255: what 99 % of the pixels of a black image stay below, and what the middle 99 % of
# those of a constant one, or of one without contrast, lie within. Fog has a range of 60.
_BLACK, _CONSTANT, _NARROW = 24, 8, 32
# Pixels across that are looked at: enough for a share of 1 %.
_SIDE = 64


def low_content(image: np.ndarray) -> str:
    """Whether there is hardly anything on an image.

    At most 64 × 64 of its pixels are looked at, evenly spread.

    Args:
        image: RGB, H×W×3, uint8.

    Returns:
        :data:`NEARLY_BLACK`, :data:`NEARLY_CONSTANT` or :data:`SMALL_RANGE`; nothing for an image
        with content.

    Raises:
        ValueError: If it is no such array.

    Example:
        >>> low_content(np.full((8, 8, 3), 200, np.uint8))
        'nearly constant'
    """
    check_image(image)
    pixels = _sample(image).reshape(-1, 3)
    if np.percentile(pixels.max(axis=1), 99) < _BLACK:
        return NEARLY_BLACK
    low, high = np.percentile(pixels, (0.5, 99.5), axis=0)
    spread = (high - low).max()
    if spread < _CONSTANT:
        return NEARLY_CONSTANT
    return SMALL_RANGE if spread < _NARROW else ''


class ContentTally:
    """Counts images that hardly teach anything while a data set is read.

    An image repeats another if those of its pixels that are looked at are the same.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.repeats = 0
        self._seen: set[int] = set()

    def add(self, image: np.ndarray) -> None:
        """Look at an image.

        Args:
            image: RGB, H×W×3, uint8, as it is trained on.
        """
        if kind := low_content(image):
            self.counts[kind] += 1
            return
        key = hash(_sample(image).tobytes())
        self.repeats += key in self._seen
        self._seen.add(key)

    def describe(self) -> str:
        """One line on what was counted, such as ``'2 are nearly black, 1 repeats another'``."""
        words = [f'{number} {_is(number)} {kind}' for kind, number in self.counts.most_common()]
        if self.repeats:
            words.append(f'{self.repeats} repeat{"s" if self.repeats == 1 else ""} another')
        return ', '.join(words)


def _is(number: int) -> str:
    return 'is' if number == 1 else 'are'


def _sample(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return image[:: -(-height // _SIDE), :: -(-width // _SIDE)]
