"""The one place that knows what other packages need on today's torch, and what a tool prints.

Light at import: :func:`prepare_mmagic` must be able to say what is missing before it is needed.
"""

from .console import note, quiet_console, run_command, user_error
from .prepare import prepare_mmagic
from .versions import check_versions

__all__ = [
    'check_versions',
    'note',
    'prepare_mmagic',
    'quiet_console',
    'run_command',
    'user_error',
]
