"""Typo suggestion: what somebody may have meant."""

import difflib
from collections.abc import Callable, Iterable

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


def did_you_mean(
    name: object,
    known: Iterable[object],
    otherwise: str = '',
    shown: Callable[[str], str] = str,
    num: int = 3,
    cutoff: float = 0.6,
) -> str:
    """The end of a message about a mistyped name.

    Args:
        name: What was typed.
        known: What there is.
        otherwise: What to say where nothing is like it.
        shown: How a known name is written in the message.
        num: See :func:`near_names`.
        cutoff: See :func:`near_names`.

    Returns:
        A question after a semicolon, or ``otherwise`` after one; ``''`` if there is neither.

    Example:
        >>> did_you_mean('metric', ['metrics', 'type'])
        '; did you mean metrics?'
    """
    near = near_names(str(name), known, num, cutoff)
    hint = f'did you mean {" or ".join(map(shown, near))}?' if near else otherwise
    return hint and f'; {hint}'
