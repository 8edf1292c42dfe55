"""What makes a training step faster and leaves its results alone."""

from .acceleration import Acceleration
from .compiled_blocks import uncompiled

__all__ = ['Acceleration', 'uncompiled']
