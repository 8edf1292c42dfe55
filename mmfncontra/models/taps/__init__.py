"""Reading a network while it runs."""

from .feature_taps import FeatureTaps, find_submodules
from .grouped_forward import can_group, forward_each
from .stages import dry_forward, find_stages, probe_images

__all__ = [
    'FeatureTaps',
    'can_group',
    'dry_forward',
    'find_stages',
    'find_submodules',
    'forward_each',
    'probe_images',
]
