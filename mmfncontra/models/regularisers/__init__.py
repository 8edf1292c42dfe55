"""What is attached to a discriminator and adds its own terms to both steps."""

from .chain import CHAIN
from .nice import NICE

__all__ = ['CHAIN', 'NICE']
