"""What somebody may have meant."""

import difflib
from collections.abc import Iterable

# How much less alike than the nearest name a further one may be.
_WINDOW = 0.06


def near_names(name: str, known: Iterable[object], num: int = 3, cutoff: float = 0.6) -> list[str]:
    """Names like a mistyped one: the nearest, and those that are about as near.

    Args:
        name: What was typed.
        known: What there is; what is no text is left out.
        num: At most so many.
        cutoff: Likeness, from 0 to 1, below which a name is none of them. Capitals do not count.

    Returns:
        Names, the nearest first.

    Example:
        >>> near_names('FewShotDatset', ['FewShotDataset', 'RepeatDataset', 'BaseDataset'])
        ['FewShotDataset']
    """
    alike = [
        (difflib.SequenceMatcher(None, one.lower(), name.lower()).ratio(), one)
        for one in sorted({one for one in known if isinstance(one, str)})
    ]
    best = max(alike, default=(0.0, ''))[0]
    kept = [pair for pair in alike if pair[0] >= max(cutoff, best - _WINDOW)]
    return [one for _, one in sorted(kept, key=lambda pair: -pair[0])[:num]]
