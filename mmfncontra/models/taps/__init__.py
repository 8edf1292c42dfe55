"""Reading a network while it runs."""

from .feature_taps import FeatureTaps, find_submodules
from .grouped_forward import can_group, forward_each
from .stages import find_stages, image_size

__all__ = [
    'FeatureTaps',
    'can_group',
    'find_stages',
    'find_submodules',
    'forward_each',
    'image_size',
]
