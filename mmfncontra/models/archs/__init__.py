"""Generators and discriminators."""

from ..layers.chain_norm import ChainNorm
from .fastgan_big_discriminator import FastGANBigDiscriminator
from .fastgan_checkpoint import convert_fastgan
from .fastgan_discriminator import FastGANDiscriminator
from .fastgan_generator import FastGANGenerator
from .frequency_discriminator import FrequencyDiscriminator

__all__ = [
    'ChainNorm',
    'FastGANBigDiscriminator',
    'FastGANDiscriminator',
    'FastGANGenerator',
    'FrequencyDiscriminator',
    'convert_fastgan',
]
