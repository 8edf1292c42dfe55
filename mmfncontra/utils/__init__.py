"""The one place that knows what other packages need on today's torch, and what a tool prints.

Light at import, nothing but the standard library: :func:`check_versions` must be able to say that
any other package is missing.
"""

from .console import note, quiet_console, run_command, user_error
from .launchers import LAUNCHERS
from .prepare import prepare_mmagic
from .prepare_mmpretrain import prepare_mmpretrain
from .versions import check_versions

__all__ = [
    'LAUNCHERS',
    'check_versions',
    'note',
    'prepare_mmagic',
    'prepare_mmpretrain',
    'quiet_console',
    'run_command',
    'user_error',
]
