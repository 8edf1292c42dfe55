"""Generators and discriminators."""

from .fastgan_big_discriminator import FastGANBigDiscriminator
from .fastgan_checkpoint import convert_fastgan
from .fastgan_discriminator import FastGANDiscriminator
from .fastgan_generator import FastGANGenerator
from .fastgan_lite_generator import FastGANLiteGenerator
from .frequency_discriminator import FrequencyDiscriminator
from .projected_discriminator import ProjectedDiscriminator

__all__ = [
    'FastGANBigDiscriminator',
    'FastGANDiscriminator',
    'FastGANGenerator',
    'FastGANLiteGenerator',
    'FrequencyDiscriminator',
    'ProjectedDiscriminator',
    'convert_fastgan',
]
