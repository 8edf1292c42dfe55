"""Memory of a training on the CPU."""

import ctypes

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_NEVER = 2**31 - 1
_TOP_PAD = 256 << 20  # bytes fetched beyond a request


def keep_freed_memory() -> bool:
    """Let the process keep what its tensors free, and take it again in the next step.

    glibc hands every large block back to the system when it is freed, and the system hands out new
    pages, cleared one by one, for the next: a quarter of a step on the CPU. The process then never
    shrinks; it is as large as a step at its largest.

    Returns:
        Whether the C library has the settings: glibc has, musl and macOS have not.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018
        mallopt = libc.mallopt
    except (AttributeError, OSError, TypeError):
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TOP_PAD))
    return all([mallopt(name, value) for name, value in settings])
