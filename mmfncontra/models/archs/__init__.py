"""Generators and discriminators."""

from .fastgan_checkpoint import convert_fastgan
from .fastgan_discriminator import FastGANDiscriminator
from .fastgan_generator import FastGANGenerator

__all__ = ['FastGANDiscriminator', 'FastGANGenerator', 'convert_fastgan']
