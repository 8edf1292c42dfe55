"""Hypothesis strategies that damage files."""

import os
import struct

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# The long form: MMFNCONTRA_FUZZ_EXAMPLES=20000 pytest tests/fuzz. It draws anew at each start;
# otherwise the same few examples are tried everywhere.
EXAMPLES = int(os.environ.get('MMFNCONTRA_FUZZ_EXAMPLES', '0'))


def profile(examples: int) -> settings:
    """Settings of a test that tries so many examples in the short form."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        database=None,
        deadline=5000,  # milliseconds: what takes longer hangs
        suppress_health_check=list(HealthCheck),
    )


# Numbers that headers count with: none, limits of their types, lengths of nothing real.
NUMBERS = st.sampled_from(
    [
        *(0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
        *(2**40, 2**62, 2**63 - 1, 2**64 - 1),
    ]
)


@st.composite
def damaged(draw, data: bytes, head: int | None = None) -> bytes:
    """``data`` after one to four mutations, most of them in its first ``head`` bytes."""
    content = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        size = len(content)
        limit = size if head is None or draw(st.integers(0, 3)) == 0 else min(head, size)
        at = draw(st.integers(0, max(0, limit - 1)))
        kind = draw(st.sampled_from(['flip', 'number', 'insert', 'delete', 'cut', 'splice']))
        if kind == 'flip' and size:
            content[min(at, size - 1)] ^= 1 << draw(st.integers(0, 7))
        elif kind == 'number':
            form = draw(st.sampled_from(['<B', '<H', '>H', '<I', '>I', '<Q', '>Q']))
            width = struct.calcsize(form)
            number = draw(NUMBERS) & (2 ** (8 * width) - 1)
            content[at : at + width] = struct.pack(form, number)
        elif kind == 'insert':
            content[at:at] = draw(st.binary(min_size=1, max_size=64))
        elif kind == 'delete':
            del content[at : at + draw(st.integers(1, 64))]
        elif kind == 'cut':
            del content[at:]
        else:
            start = draw(st.integers(0, max(0, size - 1)))
            length = draw(st.integers(1, 256))
            content[at : at + draw(st.integers(0, 256))] = content[start : start + length]
    return bytes(content)
