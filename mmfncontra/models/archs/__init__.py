"""Generators and discriminators."""

from .fastgan_big_discriminator import FastGANBigDiscriminator
from .fastgan_checkpoint import convert_fastgan
from .fastgan_discriminator import FastGANDiscriminator
from .fastgan_generator import FastGANGenerator
from .frequency_discriminator import FrequencyDiscriminator

__all__ = [
    'FastGANBigDiscriminator',
    'FastGANDiscriminator',
    'FastGANGenerator',
    'FrequencyDiscriminator',
    'convert_fastgan',
]
