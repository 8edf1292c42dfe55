"""Small modules that networks of several rooms are made of."""

from .adaptive_strength import AdaptiveStrength
from .chain_norm import ChainNorm
from .even_avg_pool import EvenAvgPool2d
from .fixed_conv import FixedConv2d
from .gaussian_blur import gaussian_blur
from .joint_spectral_norm import JointSpectralNorm, normalise_jointly
from .lean_spectral_norm import LeanSpectralNorm, use_lean_spectral_norm
from .upsampled_conv import UpsampledConv2d

__all__ = [
    'AdaptiveStrength',
    'ChainNorm',
    'EvenAvgPool2d',
    'FixedConv2d',
    'JointSpectralNorm',
    'LeanSpectralNorm',
    'UpsampledConv2d',
    'gaussian_blur',
    'normalise_jointly',
    'use_lean_spectral_norm',
]
